"""Which positions of the input reach no result, and where their way ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archlab.analysis.projective_field.axis_projection import AxisProjection, Bounds
from archlab.analysis.projective_field.composition import Projector
from archlab.analysis.projective_field.ways import Projections
from archlab.graph import Graph
from archlab.layers.geometry import WHOLE

MOST_ASKED = 16
"""Runs of positions the way of whose first and last is followed."""


class Unreached(NamedTuple):
    """Positions along an axis that no result depends on.

    Attributes:
        positions: first and last of each run.
        cut_at: paths of the layers that leave some of them out, though those reach their input; in order.
    """

    positions: list[Bounds]
    cut_at: list[str]


def unreached(graph: Graph, projections: Sequence[Projections], axis: int) -> Unreached:
    """Along an axis of the input.

    Args:
        graph: the network; its input is a map.
        projections: of its nodes.
        axis: which one.
    """
    results = [_as_one(projections[index][axis]) for _, index in graph.outputs]
    positions = Projector().join(results).unreaching
    if not positions:
        return Unreached([], [])
    cut_at: set[int] = set()
    for at in sorted({at for run in positions[:MOST_ASKED] for at in run}):
        reached = [_reaches(one[axis], at) for one in projections]
        cut_at |= {
            node.index
            for node in graph.layers
            if not reached[node.index] and any(reached[source] for source in node.inputs)
        }
    return Unreached(positions, [graph.nodes[index].path for index in sorted(cut_at)])


def _as_one(projection: AxisProjection) -> AxisProjection:
    """The same to all units taken together."""
    return Projector().through(projection, WHOLE, 1)


def _reaches(projection: AxisProjection, position: int) -> bool:
    first, last, _ = projection.span(position)
    return first <= last
