"""How the effective field grows along a network."""

from __future__ import annotations

from collections.abc import Iterator

from archlab.analysis.receptive_field.effective import MOST_WORK, EffectiveField, Estimator
from archlab.graph import Node
from archlab.layers.shape import Shape, axis_count, map_size

MOST_ESTIMATES = 200
"""Layers whose effective field is estimated for a picture of its growth, evenly spaced; fewer where each takes long."""


def effective_growth(spatial: list[Node], estimator: Estimator) -> Iterator[tuple[int, EffectiveField]]:
    """Index and estimate for the central unit of layers along a network.

    Args:
        spatial: the layers whose field is spatial, in order.
        estimator: of the network.
    """
    if not spatial:
        return
    rank = axis_count(spatial[-1].shape)
    estimator.field(spatial[-1].index, middle_unit(spatial[-1].shape, rank))  # one in the middle takes half of that
    most = min(MOST_ESTIMATES, max(2 * MOST_WORK // max(estimator.work, 1), 1))
    step = -(-len(spatial) // most)
    for node in reversed(spatial[::-1][::step]):
        found = estimator.field(node.index, middle_unit(node.shape, rank))
        if found is not None:
            yield node.index, found


def middle_unit(shape: Shape, rank: int) -> tuple[int, ...]:
    """The unit in the middle of a map; of a value that is none, the first along each of so many axes of the input."""
    return tuple([size // 2 for size in map_size(shape) or (1,) * rank])
