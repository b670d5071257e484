"""One item of a list of layers, read once and expanded many times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, cast

from archlab.config.syntax.naming import name_fault
from archlab.config.syntax.substitute import Argument
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, kind, value_kind
from archlab.config.tree.document import ITEM_KEYS
from archlab.config.tree.validation import Places
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import BadItemError
from archlab.diagnostics.suggest import called_alone, did_you_mean
from archlab.layers import find_layer, layer_types

COMBINATORS = {
    "residual": ("body", "shortcut"),
    "branches": ("paths", "merge", "split"),
}
"""Item types that hold lists of layers, and their own keys."""

MERGES = ("concat", "add", "multiply")
"""Joins, which merge branches."""

ItemKind = Literal["layer", "use", "residual", "branches"]


@dataclass(slots=True)
class Item:
    """A mapping in a list of layers, its keys sorted by meaning."""

    kind: ItemKind
    node: Mapping
    target: Argument
    """The layer type, or the block's name."""
    places: Places
    name: str | None = None
    source: Scalar | None = None
    """The `from` reference."""
    others: list[Scalar] = field(default_factory=list)
    """The `with` references of a join."""
    repeat: Argument | None = None
    when: Argument | None = None
    first: dict[str, Argument] = field(default_factory=dict)
    arguments: dict[str, Argument] = field(default_factory=dict)
    lists: dict[str, Node] = field(default_factory=dict)
    """The combinator's own keys, unread."""
    cache: dict[str, object] = field(default_factory=dict)
    """What `Lowering` made of it, by its arguments: repeated blocks ask for the same layers."""

    @property
    def place(self) -> Place:
        """The whole item."""
        return self.node.place


def read_item(node: Node) -> Item:
    """Sort an item's keys by meaning.

    Raises:
        BadItemError: if it is not an item.
    """
    if not isinstance(node, Mapping):
        raise BadItemError(_not_an_item(node), "wrong-type", node.place)
    places = Places(node.place, node.keys, {key: value.place for key, value in node.entries.items()})
    target, item_kind = _target(node)
    item = Item(item_kind, node, target, places)
    own_keys = COMBINATORS.get(item_kind, ())
    for key, value in node.entries.items():
        if key in own_keys:
            item.lists[key] = value
        elif key in _READERS:
            _READERS[key](item, value)
        elif key not in ("type", "use"):
            item.arguments[key] = Argument(value)
    if item_kind in COMBINATORS:
        _refuse_arguments(item, own_keys)
    return item


def _not_an_item(node: Node) -> str:
    if isinstance(node, Scalar) and isinstance(node.value, str) and find_layer(node.value):
        return f"an item is a mapping; write {{type: {node.value}}}"
    hint = "; a list inside the list: remove the extra dash or brackets" if isinstance(node, Sequence) else ""
    if isinstance(node, Sequence) and len(node.items) > 2 and isinstance(node.items[2], Scalar):
        hint = "; rows of [from, repeats, module, arguments] are another language: write {type: conv2d, ...}"
    return f"an item is a mapping with 'type' or 'use', not {kind(node)}{hint}"


def _target(node: Mapping) -> tuple[Argument, ItemKind]:
    if "type" in node.entries and "use" in node.entries:
        raise BadItemError("an item has 'type' (a layer) or 'use' (a block), not both", "wrong-type", node.keys["use"])
    key = "type" if "type" in node.entries else "use"
    if key not in node.entries:
        close = did_you_mean(next(iter(node.entries), ""), ("type", "use"))
        hint = close or "; write {type: conv2d, ...} for a layer, {use: NAME, ...} for a block"
        if not set(node.entries).isdisjoint(("body", "paths")):
            hint = "; its keys belong to the item above: leave out the dash"
        raise BadItemError(f"the item has neither 'type' nor 'use'{hint}", "missing", _first_line(node.place))
    value = node.entries[key]
    if not isinstance(value, Scalar) or not isinstance(value.value, str):
        raise BadItemError(f"'{key}' must be a name, not {kind(value)}", "wrong-type", value.place)
    if key == "use":
        return Argument(value), "use"
    if value.value in COMBINATORS:
        return Argument(value), cast(ItemKind, value.value)
    return Argument(value), "layer"


def _first_line(place: Place) -> Place:
    end = place.end_column if place.end_line == place.line else place.column + 1
    return Place(place.source, place.line, place.column, place.line, end)


def _read_name(item: Item, node: Node) -> None:
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        raise BadItemError(f"'name' must be a word, not {kind(node)}", "wrong-type", node.place)
    fault = name_fault(node.value)
    if fault is not None:
        raise BadItemError(f"the name '{node.value}' {fault}", "bad-name", node.place)
    item.name = node.value


def _reference(key: str, node: Node) -> Scalar:
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return node
    raise BadItemError(f"'{key}' takes the name of an earlier item, not {kind(node)}", "wrong-type", node.place)


def _read_from(item: Item, node: Node) -> None:
    item.source = _reference("from", node)


def _read_with(item: Item, node: Node) -> None:
    nodes = node.items if isinstance(node, Sequence) else [node]
    if not nodes:
        raise BadItemError("'with' names no other input; write with: [NAME]", "missing", node.place)
    item.others = [_reference("with", other) for other in nodes]


def _read_repeat(item: Item, node: Node) -> None:
    item.repeat = Argument(node)


def _read_when(item: Item, node: Node) -> None:
    item.when = Argument(node)


def _read_first(item: Item, node: Node) -> None:
    if not isinstance(node, Mapping):
        raise BadItemError(
            f"'first' gives arguments of the first repetition, such as {{stride: 2}}, not {kind(node)}",
            "wrong-type",
            node.place,
        )
    for key in node.entries:
        if key in (*ITEM_KEYS, "init") or key in COMBINATORS.get(item.kind, ()):
            raise BadItemError(f"'first' cannot change '{key}'", "wrong-value", node.keys[key])
    item.first = {key: Argument(value) for key, value in node.entries.items()}
    values = {key: value.place for key, value in node.entries.items()}
    item.places = Places(item.places.whole, {**node.keys, **item.places.keys}, {**values, **item.places.values})


_READERS = {
    "name": _read_name,
    "from": _read_from,
    "with": _read_with,
    "repeat": _read_repeat,
    "when": _read_when,
    "first": _read_first,
}


def _refuse_arguments(item: Item, own_keys: tuple[str, ...]) -> None:
    for key in item.arguments:
        known = (*own_keys, *ITEM_KEYS)
        hint = did_you_mean(key, known) or f"; it has {', '.join(own_keys)}"
        raise BadItemError(f"{item.kind} has no option '{key}'{hint}", "unknown-option", item.places.key(key))
    if item.first:
        message = f"'first' gives arguments, and {item.kind} has none; write it on the layers inside a block"
        raise BadItemError(message, "unknown-option", item.places.key("first"))
    if item.others:
        raise BadItemError(f"{item.kind} takes no 'with'; only joins do", "unknown-option", item.places.key("with"))


def unknown_layer(name: object, place: Place) -> BadItemError:
    """The problem of a layer type that does not exist."""
    if not isinstance(name, str):
        return BadItemError(f"'type' must be the name of a layer, not {value_kind(name)}", "wrong-type", place)
    known = (*layer_types(), *COMBINATORS)
    hint = did_you_mean(name, known) or did_you_mean(called_alone(name).lower(), known)
    return BadItemError(f"there is no layer type '{name[:80]}'{hint or '; see archlab schema'}", "unknown-layer", place)
