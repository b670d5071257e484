"""The items of a list of layers as a tree, made once when a config is loaded and never changed.

An item is a layer, a use of a block, a residual, branches, or what an earlier one is with its weights; residual and
branches hold lists of items. One that cannot be read is in the tree too: its problem is told where, and if, the
network comes by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from archlab.config.syntax.yaml_nodes import Mapping as MappingNode
from archlab.config.syntax.yaml_nodes import Scalar
from archlab.config.tree.argument import Argument, Arguments
from archlab.config.tree.validation import Places
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import BadItemError

ITEM_KEYS = ("type", "use", "share", "name", "from", "repeat", "first", "last", "when", "with")
"""Keys of any item in a list of layers; no block param can have these names."""

COMBINATORS = {
    "residual": ("body", "shortcut", "norm", "activation"),
    "branches": ("paths", "merge", "split"),
}
"""Item types that hold lists of layers, and their own keys."""

MERGES = ("concat", "add", "multiply", "subtract", "divide", "maximum", "minimum", "weighted_add")
"""Joins, which merge branches."""


def is_wildcard(reference: Scalar) -> bool:
    """Whether a reference means all repetitions of an item: `NAME.*`, or `NAME.*.OUTPUT`."""
    return "*" in reference.text


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """What every item may have.

    Attributes:
        node: as written, for a config that extends this one.
        places: where its keys and values stand, and the whole of it.
        name: how others refer to it.
        source: the `from` reference.
        others: the `with` references of a join or of a use.
        repeat: how many times.
        shares: whether all repetitions have the weights of the first; None where nothing is said.
        when: whether it is there.
        is_plain: whether no expression stands in it, so that it need not know what enters it.
    """

    node: MappingNode
    places: Places
    name: str | None
    source: Scalar | None
    others: tuple[Scalar, ...]
    repeat: Argument | None
    shares: Argument | None
    when: Argument | None
    is_plain: bool

    @property
    def place(self) -> Place:
        """The whole item."""
        return self.places.whole

    @property
    def reads_all(self) -> bool:
        """Whether `from` names all repetitions of an item."""
        return self.source is not None and is_wildcard(self.source)

    @property
    def lists(self) -> tuple[Layers, ...]:
        """The lists of layers in it."""
        return ()


@dataclass(frozen=True, slots=True, eq=False)
class Call(Item):
    """An item that takes arguments.

    Attributes:
        target: the layer type, or the block's name.
        arguments: options or params.
        opening: those of the first repetition, with what `first` says.
        closing: those of the last repetition, with what `last` says.
        single: those of the only repetition, with what both say, `last` over `first`.
    """

    target: Argument
    arguments: Arguments
    opening: Arguments
    closing: Arguments
    single: Arguments

    def arguments_of(self, index: int, count: int) -> Arguments:
        """The arguments of a repetition.

        Args:
            index: which, from 0.
            count: of how many.
        """
        if count == 1:
            return self.single
        if index == 0:
            return self.opening
        return self.closing if index == count - 1 else self.arguments


class LayerItem(Call):
    """`{type: LAYER, ...}`."""

    __slots__ = ()


class UseItem(Call):
    """`{use: BLOCK, ...}`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class ShareItem(Item):
    """`{share: NAME, ...}`.

    Attributes:
        original: the earlier item whose layers and weights it has.
    """

    original: Scalar


@dataclass(frozen=True, slots=True, eq=False)
class ResidualItem(Item):
    """`{type: residual, ...}`.

    Attributes:
        body: the layers, or why there are none.
        shortcut: layers or a word; None for the word that is the default.
        is_shortcut_first: whether a shortcut of layers is written in front of the body.
        attached: norm and activation behind the sum, in this order.
    """

    body: Layers | BadItemError
    shortcut: Layers | Argument | None
    is_shortcut_first: bool
    attached: dict[str, Argument]

    @property
    def lists(self) -> tuple[Layers, ...]:
        """Shortcut and body, as far as they are lists, in the order of the text."""
        parts = (self.shortcut, self.body) if self.is_shortcut_first else (self.body, self.shortcut)
        return tuple([part for part in parts if isinstance(part, Layers)])


class Path(NamedTuple):
    """A path of branches: a list of layers, or `{layers: [...], ...}`.

    Attributes:
        layers: the list.
        place: the whole of it.
        name: how others refer to what it gives.
        name_place: where that stands.
        when: whether it is there.
        repeat: how many such paths stand beside one another.
    """

    layers: Layers
    place: Place
    name: str | None = None
    name_place: Place | None = None
    when: Argument | None = None
    repeat: Argument | None = None


PATH_KEYS = ("name", "when", "repeat", "layers")


@dataclass(frozen=True, slots=True, eq=False)
class BranchesItem(Item):
    """`{type: branches, ...}`.

    Attributes:
        paths: each, or why there is none of it.
        merge: the word for how they are joined.
        split: whether each takes its share of the channels, or the channels of each.
    """

    paths: tuple[Path | BadItemError, ...]
    merge: Argument | None
    split: Argument | None

    @property
    def lists(self) -> tuple[Layers, ...]:
        """The paths."""
        return tuple([path.layers for path in self.paths if isinstance(path, Path)])


class BrokenItem(NamedTuple):
    """Something in a list of layers that is no item.

    Attributes:
        node: as written; None where it is not even a mapping.
        place: the whole of it.
        name: what later references may call it.
        error: what is wrong.
        lists: the lists of layers in it.
    """

    node: MappingNode | None
    place: Place
    name: str | None
    error: BadItemError
    lists: tuple[Layers, ...] = ()


class Layers(NamedTuple):
    """A list of layers."""

    items: tuple[Item | BrokenItem, ...]
    place: Place


def all_items(layers: Layers) -> Iterator[Item | BrokenItem]:
    """Every item in a tree, in the order of the text."""
    for item in layers.items:
        yield item
        for part in item.lists:
            yield from all_items(part)
