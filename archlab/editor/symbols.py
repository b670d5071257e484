"""A config's outline: params, variants, blocks and layers, one inside the other; and what can be folded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence
from archlab.diagnostics.place import Place

Kind = Literal["section", "param", "variant", "block", "layer", "use"]


class Symbol(NamedTuple):
    """An entry of the outline.

    Attributes:
        name: as it is shown.
        kind: what it is.
        detail: what else.
        whole: all of it.
        place: its name.
        inside: what is in it.
    """

    name: str
    kind: Kind
    detail: str
    whole: Place
    place: Place
    inside: list[Symbol]


_KINDS: dict[str, Kind] = {"params": "param", "variants": "variant"}


def symbols(root: Mapping) -> list[Symbol]:
    """The outline of a tree."""
    found: list[Symbol] = []
    for key, value in root.entries.items():
        place, inside = root.keys[key], []
        if isinstance(value, Mapping) and key in _KINDS:
            inside = [_entry(value, name, _KINDS[key]) for name in value.entries]
        elif isinstance(value, Mapping) and key == "blocks":
            inside = [_block(value, name) for name in value.entries]
        elif key == "layers":
            inside = list(_items(value))
        found.append(Symbol(key, "section", _brief(value), _from(place, value.place), place, inside))
    return found


def _entry(mapping: Mapping, name: str, kind: Kind) -> Symbol:
    value, place = mapping.entries[name], mapping.keys[name]
    return Symbol(name, kind, _brief(value), _from(place, value.place), place, [])


def _block(blocks: Mapping, name: str) -> Symbol:
    block, place = blocks.entries[name], blocks.keys[name]
    layers = block.entries.get("layers") if isinstance(block, Mapping) else None
    inside = [] if layers is None else list(_items(layers))
    return Symbol(name, "block", "", _from(place, block.place), place, inside)


def _items(node: Node) -> Iterator[Symbol]:
    """The items of a list; a mapping's entries are those of another file."""
    if isinstance(node, Mapping):
        yield from [_entry(node, name, "layer") for name in node.entries]
    for item in node.items if isinstance(node, Sequence) else ():
        if isinstance(item, Mapping):
            yield _item(item)
        elif isinstance(item, Sequence):  # a path of branches
            yield from _items(item)


def _item(item: Mapping) -> Symbol:
    target = item.entries.get("type") or item.entries.get("use") or item.entries.get("share")
    what, name = _brief(target), item.entries.get("name")
    shown = _brief(name) or what or "?"
    place = name.place if isinstance(name, Scalar) else target.place if target is not None else item.place
    inside = [
        symbol
        for key in ("body", "shortcut", "paths")
        if isinstance(item.entries.get(key), Sequence)
        for symbol in _items(item.entries[key])
    ]
    kind: Kind = "use" if "use" in item.entries else "layer"
    return Symbol(shown, kind, what if name is not None else "", item.place, place, inside)


def _brief(node: Node | None) -> str:
    return node.text[:60] if isinstance(node, Scalar) else ""


def _from(start: Place, end: Place) -> Place:
    """From the beginning of one stretch to the end of another."""
    if (end.end_line, end.end_column) < (start.end_line, start.end_column):
        return start
    return Place(start.source, start.line, start.column, end.end_line, end.end_column)


def folds(root: Mapping) -> list[tuple[int, int]]:
    """First and last lines of what can be folded."""
    return sorted({stretch for stretch in _folds(root) if stretch[1] > stretch[0]})


def _folds(node: Node) -> Iterator[tuple[int, int]]:
    if isinstance(node, Mapping):
        for key, value in node.entries.items():
            if not isinstance(value, Scalar):
                yield node.keys[key].line, _last_line(value.place)
                yield from _folds(value)
    elif isinstance(node, Sequence):
        for item in node.items:
            if not isinstance(item, Scalar):
                yield item.place.line, _last_line(item.place)
                yield from _folds(item)


def _last_line(place: Place) -> int:
    """The last line with text: a block of YAML ends where the next begins."""
    line = place.end_line
    if place.end_column == 0 and line > place.line:
        line -= 1
    while line > place.line and not place.source.line(line).strip():
        line -= 1
    return line
