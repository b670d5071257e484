"""What an item has made of itself, so that another can be the same once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from archlab.config.expand.draft import Draft
from archlab.config.expand.paths import Child
from archlab.config.tree.items import Item


class Shift:
    """Where the values of copied nodes are.

    Args:
        start: index of the first node that is copied.
        by: how far.
        entering: what is read instead of earlier values, by their indices; others stay.
        nodes: of the network so far.
    """

    __slots__ = ("_entering", "_nodes", "_start", "by")

    def __init__(self, start: int, by: int, entering: Mapping[int, Draft], nodes: Sequence[Draft]) -> None:
        self.by = by
        self._start = start
        self._entering = entering
        self._nodes = nodes

    def of(self, index: int) -> Draft:
        """The node whose value is read instead."""
        if index >= self._start:
            return self._nodes[index + self.by]
        return self._entering.get(index) or self._nodes[index]

    def value(self, value: Draft | None) -> Draft | None:
        """The same of a value that may be unknown."""
        return None if value is None else self.of(value.index)


class Made(NamedTuple):
    """What an item has made.

    Attributes:
        item: as written.
        inputs: what enters it, the line above first.
        outputs: what comes out.
        start: index of its first node.
        stop: index behind its last.
        children: its places among the paths.
    """

    item: Item
    inputs: tuple[Draft | None, ...]
    outputs: tuple[Draft | None, ...]
    start: int
    stop: int
    children: tuple[Child, ...]

    def moved(self, shift: Shift) -> Made:
        """The same where it, or the nodes around it, are copied to."""
        return Made(
            self.item,
            tuple([shift.value(value) for value in self.inputs]),
            tuple([shift.value(value) for value in self.outputs]),
            self.start + shift.by,
            self.stop + shift.by,
            tuple([child.moved(shift.by) for child in self.children]),
        )
