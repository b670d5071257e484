"""Where the walk over a config stands: what is visible there, and where its nodes go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from archlab.config.expand.file import NO_FILE, File
from archlab.config.expand.init import TensorInit
from archlab.config.expand.names import NameTable, Value
from archlab.config.expand.paths import PathScope
from archlab.config.expand.recursion import OpenBlock
from archlab.config.syntax.expressions import UNKNOWN
from archlab.layers.shape import channels_of, map_size


@dataclass(slots=True, eq=False)
class Environment:
    """What is visible where the walk stands. Items, repetitions, lists and blocks each have a child of their own.

    Nobody changes one. It is not frozen, since each item and repetition has one, and a frozen one takes Python five
    times as long to make.

    Attributes:
        variables: what expressions can name.
        names: what `from` and `with` can name.
        scope: where nodes go.
        trail: through which blocks the walk came here, for messages.
        open_blocks: the same blocks, the outermost first.
        depth: how many blocks and combinators are around.
        init: initialisers by layer type that the blocks around say.
        file: the config that the list stands in.
    """

    variables: Mapping[str, Any]
    names: NameTable
    scope: PathScope
    trail: tuple[str, ...] = ()
    open_blocks: tuple[OpenBlock, ...] = ()
    depth: int = 0
    init: Mapping[str, TensorInit] | None = None
    file: File = NO_FILE

    def at(self, value: Value, index: int | None = None) -> Environment:
        """A child for an item that a value enters, or for one of its repetitions.

        Args:
            value: what enters.
            index: which repetition it is.
        """
        seen: dict[str, Any] = {**self.variables, "in_channels": value_channels(value), "in_size": value_size(value)}
        if index is not None:
            seen["index"] = index
        return Environment(seen, self.names, self.scope, self.trail, self.open_blocks, self.depth, self.init, self.file)

    def indexed(self, index: int) -> Environment:
        """A child for one of the repetitions of a path."""
        return replace(self, variables={**self.variables, "index": index})

    def opening(self, block: OpenBlock) -> Environment:
        """The same place, in one block more."""
        return replace(self, open_blocks=(*self.open_blocks, block))

    def inside(self, scope: PathScope | None, names: NameTable | None = None, *, deeper: bool = False) -> Environment:
        """A child for a list in an item.

        Args:
            scope: where its nodes go, if not where the others do.
            names: its own, if it has a scope of its own.
            deeper: whether this is another level.
        """
        return Environment(
            self.variables,
            self.names if names is None else names,
            self.scope if scope is None else scope,
            self.trail,
            self.open_blocks,
            self.depth + deeper,
            self.init,
            self.file,
        )


class Spot(NamedTuple):
    """Where a single repetition of an item goes: its scope, its label there, and whether the user wrote the label."""

    scope: PathScope
    label: str
    written: bool


def value_size(value: Value) -> Any:
    """Height and width of a map, for expressions; null for a flat value."""
    if value is None:
        return UNKNOWN
    size = map_size(value.shape)
    return None if size is None else list(size)


def value_channels(value: Value) -> Any:
    """Channels of a value, for expressions."""
    return UNKNOWN if value is None else channels_of(value.shape)
