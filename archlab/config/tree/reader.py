"""From YAML nodes to the tree of items: an item's keys sorted by meaning."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from archlab.config.syntax.naming import name_fault
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, kind
from archlab.config.tree.argument import Argument, Arguments
from archlab.config.tree.items import (
    COMBINATORS,
    ITEM_KEYS,
    PATH_KEYS,
    BranchesItem,
    BrokenItem,
    Item,
    LayerItem,
    Layers,
    Path,
    ResidualItem,
    ShareItem,
    UseItem,
)
from archlab.config.tree.overrides import Replaced, spread
from archlab.config.tree.validation import Places
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import MAX_PROBLEMS, BadItemError
from archlab.diagnostics.suggest import did_you_mean
from archlab.layers import find_layer


class Written(NamedTuple):
    """A list of layers as YAML, for a config that extends this one.

    Attributes:
        node: the list.
        replaced: items of it that stand there with other arguments.
    """

    node: Sequence
    replaced: Replaced


class ItemReader:
    """Reads lists of layers. An alias is the item of its anchor, not another one."""

    def __init__(self, replaced: Replaced | None = None) -> None:
        self._replaced = replaced or {}
        self._items: dict[int, Item | BrokenItem] = {}

    def layers(self, node: Sequence) -> Layers:
        """The items of a list, as far as the walk can come: it ends at the last problem that is told."""
        items: list[Item | BrokenItem] = []
        broken: set[BrokenItem] = set()
        for child in (part for written in node.items for part in spread(written, self._replaced)):
            item = self._item(child)
            items.append(item)
            if isinstance(item, BrokenItem):
                broken.add(item)
                if len(broken) == MAX_PROBLEMS:
                    break
        return Layers(tuple(items), node.place)

    def _item(self, node: Node) -> Item | BrokenItem:
        found = self._items.get(id(node))
        if found is None:
            found = self._items[id(node)] = self._read(node)
        return found

    def _read(self, node: Node) -> Item | BrokenItem:
        if not isinstance(node, Mapping):
            error = BadItemError(_not_an_item(node), Code.WRONG_TYPE, node.place)
            return BrokenItem(None, node.place, None, error)
        lists = {key: self._lists(key, value) for key, value in node.entries.items() if key in _LISTS}
        try:
            return _make(node, lists)
        except BadItemError as error:
            name = node.entries.get("name")
            word = name.text if isinstance(name, Scalar) else None
            parts = [part.layers if isinstance(part, Path) else part for found in lists.values() for part in found]
            known = [part for part in parts if isinstance(part, Layers)]
            return BrokenItem(node, node.place, word, error.with_traceback(None), tuple(known))

    def _lists(self, key: str, node: Node) -> _Lists:
        """The lists that a key of a combinator holds, or why it does not; none for a shortcut that is a word."""
        if not isinstance(node, Sequence):
            message = f"'{key}' must be a list of layers, not {kind(node)}"
            return () if key == "shortcut" else (BadItemError(message, Code.WRONG_TYPE, node.place),)
        if key != "paths":
            return (self.layers(node),)
        nothing = BadItemError("branches needs at least one path", Code.MISSING, node.place)
        return tuple([self._path(path) for path in node.items]) or (nothing,)

    def _path(self, node: Node) -> Path | BadItemError:
        """A path of branches, where a single layer is a path of one."""
        if isinstance(node, Scalar):
            message = f"a path is a list of layers ([] for the identity), not {kind(node)}"
            return BadItemError(message, Code.WRONG_TYPE, node.place)
        if isinstance(node, Mapping) and _is_path(node):
            try:
                return self._written_path(node)
            except BadItemError as error:
                return error.with_traceback(None)
        return Path(self.layers(node if isinstance(node, Sequence) else Sequence([node], node.place)), node.place)

    def _written_path(self, node: Mapping) -> Path:
        """`{name: , when: , repeat: , layers: [...]}`.

        Raises:
            BadItemError: if it is none.
        """
        for key in node.entries:
            if key not in PATH_KEYS:
                hint = did_you_mean(key, PATH_KEYS) or f"; it has {', '.join(PATH_KEYS)}"
                raise BadItemError(f"a path has no key '{key}'{hint}", Code.UNKNOWN_KEY, node.keys[key])
        layers = node.entries.get("layers")
        if not isinstance(layers, Sequence):
            message = f"'layers' of a path must be a list of layers, not {kind(layers)}" if layers else ""
            message = message or "a path with keys of its own needs 'layers', a list of layers"
            place = layers.place if layers else node.place
            raise BadItemError(message, Code.WRONG_TYPE if layers else Code.MISSING, place)
        name = node.entries.get("name")
        when, repeat = [_option(node, key) for key in ("when", "repeat")]
        return Path(
            self.layers(layers),
            node.place,
            None if name is None else _name(name),
            None if name is None else name.place,
            when and when.bounded(),
            repeat and repeat.bounded(),
        )


_LISTS = ("body", "shortcut", "paths")
_Lists = tuple[Layers | Path | BadItemError, ...]


def _make(node: Mapping, lists: dict[str, _Lists]) -> Item:
    """The item of a mapping.

    Raises:
        BadItemError: if it is none.
    """
    kind_of, target = _target(node)
    own_keys = COMBINATORS.get(kind_of, ())
    common: dict[str, Any] = {"node": node, **_NOTHING}
    ends: dict[str, dict[str, Argument]] = {}
    arguments: dict[str, Argument] = {}
    places = Places.of(node)
    for key, value in node.entries.items():
        if key in _READERS:
            field, read = _READERS[key]
            common[field] = read(value)
        elif key in _ENDS:
            ends[key] = _end(key, value, own_keys)
            places = _with_end(places, value)
        elif key not in own_keys and key not in ("type", "use", "share"):
            arguments[key] = Argument(value).bounded()
    common["places"] = places
    if kind_of == "share":
        return _share(node, common, arguments, ends=[*ends])
    common["shares"] = _shares(node, [*ends])
    if kind_of in ("layer", "use"):
        make = LayerItem if kind_of == "layer" else UseItem
        others = Arguments.of(arguments)
        first, last = ends.get("first", {}), ends.get("last", {})
        opening = Arguments.of({**arguments, **first}) if first else others
        closing = Arguments.of({**arguments, **last}) if last else others
        single = Arguments.of({**arguments, **first, **last}) if first and last else opening if first else closing
        conditions = [target, common["repeat"], common["when"]]
        common["is_plain"] = all(part.constants is not None for part in (others, opening, closing)) and not any(
            argument is not None and argument.dynamic for argument in conditions
        )
        return make(**common, target=target, arguments=others, opening=opening, closing=closing, single=single)
    _refuse_arguments(kind_of, [*arguments], places, ends=[*ends], has_others=bool(common["others"]))
    make_combinator = _residual if kind_of == "residual" else _branches
    return make_combinator(node, common, lists)


def _share(node: Mapping, common: dict[str, Any], arguments: dict[str, Argument], *, ends: list[str]) -> Item:
    """An earlier item once more, with its weights."""
    original = node.entries["share"]
    places: Places = common["places"]
    if not isinstance(original, Scalar) or not isinstance(original.value, str):
        hint = "; beside 'type' or 'use', with 'repeat', it may be true" if _is_true(original) else ""
        message = f"'share' takes the name of an earlier item, not {kind(original)}{hint}"
        raise BadItemError(message, Code.WRONG_TYPE, original.place)
    for name in (*arguments, *ends):
        message = f"an item with 'share' is '{original.text}' once more, arguments and all; leave out '{name}'"
        raise BadItemError(message, Code.UNKNOWN_OPTION, places.key(name))
    common["is_plain"] = not any(option is not None and option.dynamic for option in (common["repeat"], common["when"]))
    return ShareItem(**common, original=original)


def _is_true(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is True


def _shares(node: Mapping, ends: list[str]) -> Argument | None:
    """Whether repetitions share their weights."""
    written = node.entries.get("share")
    if written is None:
        return None
    argument = Argument(written)
    if isinstance(written, Scalar) and isinstance(written.value, str) and not argument.dynamic:
        message = f"an item with 'share' is '{written.text}' once more; leave out 'type', 'use' and its arguments"
        raise BadItemError(message, Code.WRONG_TYPE, written.place)
    if "repeat" not in node.entries:
        message = "'share: true' is for an item with 'repeat'; to share with an earlier item: {share: NAME}"
        raise BadItemError(message, Code.MISSING, node.keys["share"])
    if ends:
        message = f"repetitions that share their weights are all alike; leave out '{ends[0]}'"
        raise BadItemError(message, Code.WRONG_VALUE, node.keys[ends[0]])
    return argument.bounded()


def _residual(node: Mapping, common: dict[str, Any], lists: dict[str, _Lists]) -> Item:
    missing = BadItemError("residual needs 'body', a list of layers", Code.MISSING, node.place)
    (body,) = lists.get("body", (missing,))
    assert not isinstance(body, Path)
    written = [part for part in lists.get("shortcut", ()) if isinstance(part, Layers)]
    shortcut = written[0] if written else _option(node, "shortcut")
    is_first = bool(written) and next(iter(lists)) == "shortcut"
    attached: dict[str, Argument] = {
        key: Argument(node.entries[key]) for key in ("norm", "activation") if key in node.entries
    }
    return ResidualItem(**common, body=body, shortcut=shortcut, is_shortcut_first=is_first, attached=attached)


def _branches(node: Mapping, common: dict[str, Any], lists: dict[str, _Lists]) -> Item:
    missing = BadItemError("branches needs 'paths', a list of lists of layers", Code.MISSING, node.place)
    merge, split = _option(node, "merge"), _option(node, "split")
    paths = tuple([path for path in lists.get("paths", (missing,)) if not isinstance(path, Layers)])
    return BranchesItem(**common, paths=paths, merge=merge, split=split)


def _option(node: Mapping, key: str) -> Argument | None:
    value = node.entries.get(key)
    return None if value is None else Argument(value)


def _is_path(node: Mapping) -> bool:
    """Whether a mapping in `paths` is a path with keys of its own, and no layer."""
    keys = set(node.entries)
    return not keys & {"type", "use"} and ("layers" in keys or (bool(keys) and keys <= set(PATH_KEYS)))


def _not_an_item(node: Node) -> str:
    if isinstance(node, Scalar) and isinstance(node.value, str) and find_layer(node.value):
        return f"an item is a mapping; write {{type: {node.value}}}"
    hint = "; a list inside the list: remove the extra dash or brackets" if isinstance(node, Sequence) else ""
    if isinstance(node, Sequence) and len(node.items) > 2 and isinstance(node.items[2], Scalar):
        hint = "; rows of [from, repeats, module, arguments] are another language: write {type: conv2d, ...}"
    return f"an item is a mapping with 'type' or 'use', not {kind(node)}{hint}"


def _target(node: Mapping) -> tuple[str, Argument]:
    """What kind of item it is, and the layer type or the block's name.

    Raises:
        BadItemError: if it is none of them.
    """
    shared = node.entries.get("share")
    if shared is not None and "type" not in node.entries and "use" not in node.entries:
        return "share", Argument(shared)
    if "type" in node.entries and "use" in node.entries:
        raise BadItemError(
            "an item has 'type' (a layer) or 'use' (a block), not both", Code.WRONG_TYPE, node.keys["use"]
        )
    key = "type" if "type" in node.entries else "use"
    if key not in node.entries:
        place = _first_line(node.place)
        raise BadItemError(
            "the item has neither 'type' nor 'use'", Code.MISSING, place, hint=partial(_neither, list(node.entries))
        )
    value = node.entries[key]
    if not isinstance(value, Scalar) or not isinstance(value.value, str):
        raise BadItemError(f"'{key}' must be a name, not {kind(value)}", Code.WRONG_TYPE, value.place)
    if key == "use":
        return "use", Argument(value)
    return value.value if value.value in COMBINATORS else "layer", Argument(value)


def _neither(keys: list[str]) -> str:
    if not {"body", "paths"}.isdisjoint(keys):
        return "; its keys belong to the item above: leave out the dash"
    close = did_you_mean(keys[0] if keys else "", ("type", "use"))
    return close or "; write {type: conv2d, ...} for a layer, {use: NAME, ...} for a block"


def _first_line(place: Place) -> Place:
    end = place.end_column if place.end_line == place.line else place.column + 1
    return Place(place.source, place.line, place.column, place.line, end)


def _name(node: Node) -> str:
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        raise BadItemError(f"'name' must be a word, not {kind(node)}", Code.WRONG_TYPE, node.place)
    fault = name_fault(node.value)
    if fault is not None:
        raise BadItemError(f"the name '{node.value}' {fault}", Code.BAD_NAME, node.place)
    return node.value


def _reference(key: str, node: Node) -> Scalar:
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return node
    raise BadItemError(f"'{key}' takes the name of an earlier item, not {kind(node)}", Code.WRONG_TYPE, node.place)


def _source(node: Node) -> Scalar:
    return _reference("from", node)


def _others(node: Node) -> tuple[Scalar, ...]:
    nodes = node.items if isinstance(node, Sequence) else [node]
    if not nodes:
        raise BadItemError("'with' names no other input; write with: [NAME]", Code.MISSING, node.place)
    return tuple([_reference("with", other) for other in nodes])


def _bounded(node: Node) -> Argument:
    return Argument(node).bounded()


_NOTHING: dict[str, Any] = {
    **dict.fromkeys(("name", "source", "repeat", "shares", "when")),
    "others": (),
    "is_plain": False,
}
_READERS: dict[str, tuple[str, Callable[[Node], Any]]] = {
    "name": ("name", _name),
    "from": ("source", _source),
    "with": ("others", _others),
    "repeat": ("repeat", _bounded),
    "when": ("when", _bounded),
}
"""Keys of every item: the field, and what reads it."""


_ENDS = ("first", "last")
"""Keys for arguments of one repetition."""


def _end(end: str, node: Node, own_keys: tuple[str, ...]) -> dict[str, Argument]:
    if not isinstance(node, Mapping):
        raise BadItemError(
            f"'{end}' gives arguments of the {end} repetition, such as {{stride: 2}}, not {kind(node)}",
            Code.WRONG_TYPE,
            node.place,
        )
    for key in node.entries:
        if key in (*ITEM_KEYS, "init", *own_keys):
            raise BadItemError(f"'{end}' cannot change '{key}'", Code.WRONG_VALUE, node.keys[key])
    return {key: _bounded(value) for key, value in node.entries.items()}


def _with_end(places: Places, node: Node) -> Places:
    """The places of an item, and those in `first` or `last` of what stands only there."""
    inner = Places.of(node)
    return Places(places.whole, {**inner.keys, **places.keys}, {**inner.values, **places.values})


def _refuse_arguments(kind_of: str, names: list[str], places: Places, *, ends: list[str], has_others: bool) -> None:
    for name in names:
        own_keys = COMBINATORS[kind_of]
        hint = partial(_combinator_hint, name, own_keys)
        raise BadItemError(f"{kind_of} has no option '{name}'", Code.UNKNOWN_OPTION, places.key(name), hint=hint)
    for end in ends:
        message = f"'{end}' gives arguments, and {kind_of} has none; write it on the layers inside a block"
        raise BadItemError(message, Code.UNKNOWN_OPTION, places.key(end))
    if has_others:
        raise BadItemError(f"{kind_of} takes no 'with'; only joins do", Code.UNKNOWN_OPTION, places.key("with"))


def _combinator_hint(name: str, own_keys: tuple[str, ...]) -> str:
    if name == "layers":
        return f"; its layers are written under '{own_keys[0]}'"
    return did_you_mean(name, (*own_keys, *ITEM_KEYS)) or f"; it has {', '.join(own_keys)}"
