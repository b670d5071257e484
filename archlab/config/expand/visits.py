"""Which layers came of which item, for who shows numbers beside the lines of a text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple

from archlab.config.tree.items import Item
from archlab.graph import Node


class Visit(NamedTuple):
    """An item that the walk has come by, with all its repetitions.

    Attributes:
        item: as written.
        start: index of the first node that it has made, with what is inside of it.
        stop: index behind the last.
        value: index of the node whose value it gives; None where a problem leaves it unknown.
    """

    item: Item
    start: int
    stop: int
    value: int | None


class Visits:
    """Collects the visits of a walk, in the order in which they end.

    Attributes:
        found: so far.
        nodes: the layers of the walk, once it has ended; what is pruned behind it is among them.
    """

    def __init__(self) -> None:
        self.found: list[Visit] = []
        self.nodes: list[Node] = []

    def add(self, item: Item, start: int, stop: int, value: int | None) -> None:
        """One more, unless it has made nothing: such visits would grow without what bounds the layers."""
        if stop > start:
            self.found.append(Visit(item, start, stop, value))

    def again(self, start: int, stop: int, by: int, besides: Item) -> None:
        """Nodes were copied, and with them the visits of the items that had made them.

        Args:
            start: index of the first node that was copied.
            stop: index behind the last.
            by: how far.
            besides: the item that has them all, which is visited in its own right.
        """
        if stop == start:
            return
        # visits end in the order of their last nodes
        first = bisect_left(self.found, start, key=lambda visit: visit.stop)
        last = bisect_right(self.found, stop, key=lambda visit: visit.stop)
        self.found += [
            Visit(
                visit.item,
                visit.start + by,
                visit.stop + by,
                visit.value + by if visit.value is not None and visit.value >= start else None,
            )
            for visit in self.found[first:last]
            if visit.start >= start and visit.item is not besides
        ]
