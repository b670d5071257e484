"""Which units of every map anything may ask for: its own, and those beside it that padding behind it reads."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from archlab.analysis.facts import Facts
from archlab.graph import Graph
from archlab.layers.geometry import AxisReads, Phases, Window, along
from archlab.layers.shape import size_along

Interval = tuple[int, int]
"""The first and last unit."""


class Demand:
    """The units of every node that the fields behind it are made of.

    Worked out backwards, once, and only if it is asked for: fields with a period know every unit.

    Args:
        graph: the network.
        facts: of its nodes.
        seen_reads: what is read, in the sense of the analysis at hand.
        rank: how many axes the input has.
    """

    def __init__(
        self, graph: Graph, facts: list[Facts], seen_reads: Callable[[AxisReads], AxisReads], rank: int
    ) -> None:
        self._rank = rank
        self._graph = graph
        self._facts = facts
        self._seen_reads = seen_reads

    def units(self, index: int, axis: int) -> Interval:
        """Of a node with a map, along an axis."""
        interval = self._intervals[axis][index]
        assert interval is not None
        return interval

    @cached_property
    def _intervals(self) -> list[list[Interval | None]]:
        """By axis and node; None for a node without a map."""
        nodes = self._graph.nodes
        sizes = [size_along(node.shape, self._rank) for node in nodes]
        found: list[list[Interval | None]] = [
            [None if size is None else (0, size[axis] - 1) for size in sizes] for axis in range(self._rank)
        ]
        for node in reversed(nodes):
            for source, reads in zip(node.inputs, self._facts[node.index].reads, strict=True):
                seen = self._seen_reads(reads)
                for axis, intervals in enumerate(found):
                    if intervals[node.index] is not None and intervals[source] is not None:
                        _ask(intervals, node.index, source, along(seen, axis))
        return found


def _ask(intervals: list[Interval | None], index: int, source: int, reads: object) -> None:
    """Add what a node reads for the units that are asked of it."""
    asked, known = intervals[index], intervals[source]
    if asked is None or known is None or not isinstance(reads, Window | Phases):
        return
    reach = reads.between(*asked)
    if reach is not None:
        intervals[source] = min(known[0], reach[0]), max(known[1], reach[1])
