"""What an extending config makes of the named items of the one it extends: the mapping under `layers`.

layers:
  conv1: {kernel_size: 3}                     # new arguments
  maxpool: null                               # removed
  layer4: {use: other_block, width: 512}      # a block instead of what stood there
  layer3: {after: [{type: dropout}]}          # more behind it, or `before` it
  fc: [{type: linear, out_features: 10}]      # these instead
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, kind
from archlab.config.tree.items import ITEM_KEYS, Layers, all_items
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import BadItemError, Problems
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import listed

AROUND = ("before", "after")
"""Keys for items in front of a named one, and behind it."""


class Replacement(NamedTuple):
    """What stands in the place of an item.

    Attributes:
        before: items in front of it.
        node: the item itself; None where others stand in its place.
        after: items behind it.
    """

    before: list[Node]
    node: Mapping | None
    after: list[Node]


_KINDS = ("type", "use", "share")
"""Keys of which an item has one: a layer, a block, or an earlier item once more."""

Replaced = dict[int, Replacement]
"""By the identity of an item's node."""


def spread(node: Node, replaced: Replaced) -> Iterator[Node]:
    """What stands in a list for an item, after everything that extends it."""
    found = replaced.get(id(node))
    if found is None:
        yield node
        return
    for part in (*found.before, *([found.node] if found.node is not None else []), *found.after):
        yield from spread(part, replaced)


def read_overrides(layers: Layers, overrides: Mapping, problems: Problems) -> Replaced:
    """What becomes of the named items of a list.

    Args:
        layers: of the extended config.
        overrides: by their names.
        problems: the collector.
    """
    named = {item.name: item.node for item in all_items(layers) if item.name is not None and item.node is not None}
    replaced: Replaced = {}
    for name, node in overrides.entries.items():
        place = overrides.keys[name]
        item = named.get(name)
        if item is None:
            hint = did_you_mean(name, named) or f"; its named layers are {listed(named)}"
            problems.add(f"the extended config has no layer named '{name}'{hint}", Code.UNKNOWN_NAME, place)
            continue
        try:
            replaced[id(item)] = _replacement(name, item, node)
        except BadItemError as error:
            problems.add_error(error)
    return replaced


def _replacement(name: str, item: Mapping, node: Node) -> Replacement:
    """What stands in the place of one item.

    Raises:
        BadItemError: if what is written says nothing of that.
    """
    if isinstance(node, Scalar) and node.value is None:
        return Replacement([], _removed(item, node), [])
    if isinstance(node, Sequence):
        return Replacement(list(node.items), None, [])
    if not isinstance(node, Mapping):
        message = f"layer '{name}' is overridden by a mapping of arguments, a list of layers, or null, not {kind(node)}"
        raise BadItemError(message, Code.WRONG_TYPE, node.place)
    around: dict[str, list[Node]] = {key: [] for key in AROUND}
    for key in AROUND:
        found = node.entries.get(key)
        if isinstance(found, Sequence):
            around[key] = list(found.items)
        elif found is not None:
            message = f"'{key}' is a list of layers to put {key} '{name}', not {kind(found)}"
            raise BadItemError(message, Code.WRONG_TYPE, found.place)
    return Replacement(around["before"], _merged(item, node), around["after"])


def _merged(item: Mapping, node: Mapping) -> Mapping:
    """The item with other arguments; where a block stands for a layer or a layer for a block, with new ones alone."""
    own = [key for key in node.entries if key not in AROUND]
    kept = list(item.entries)
    said = [key for key in _KINDS if key in own]
    is_exchanged = bool(said) and not any(key in kept for key in said)
    if is_exchanged:
        kept = [key for key in kept if key in ITEM_KEYS and key not in (*_KINDS, "first", "last")]
    entries = {**{key: item.entries[key] for key in kept}, **{key: node.entries[key] for key in own}}
    keys = {**{key: item.keys[key] for key in kept}, **{key: node.keys[key] for key in own}}
    return Mapping(entries, keys, node.place if is_exchanged else item.place)


_REMOVAL = "null"


def is_removal(when: Node) -> bool:
    """Whether the condition of an item is that of one that is removed: false, and written `null`."""
    return isinstance(when, Scalar) and when.value is False and when.text == _REMOVAL


def _removed(item: Mapping, node: Scalar) -> Mapping:
    """An item that is never there, so that what still reads it can be told why."""
    identity = Scalar("identity", "identity", True, node.place)
    never = Scalar(False, _REMOVAL, True, node.place)
    entries: dict[str, Node] = {"name": item.entries["name"], "type": identity, "when": never}
    return Mapping(entries, dict.fromkeys(entries, node.place), node.place)
