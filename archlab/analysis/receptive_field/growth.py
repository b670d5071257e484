"""How the effective field grows along a network."""

from __future__ import annotations

from collections.abc import Iterator

from archlab.analysis.receptive_field.effective import MOST_WORK, EffectiveField
from archlab.analysis.result import Analysis
from archlab.layers.base import Shape, map_size

MOST_ESTIMATES = 200
"""Layers whose effective field is estimated for a picture of its growth, evenly spaced; fewer where each takes long."""


def effective_growth(analysis: Analysis) -> Iterator[tuple[int, EffectiveField]]:
    """Index and estimate for the central unit of layers along the network, where their field is spatial."""
    layers, estimator = analysis.layers, analysis.estimator
    spatial = [x.node for x in layers if not x.receptive_field.is_global and map_size(x.node.shape)]
    if not spatial:
        return
    estimator.field(spatial[-1].index, _middle(spatial[-1].shape))  # one in the middle takes half of that
    most = min(MOST_ESTIMATES, max(2 * MOST_WORK // max(estimator.work, 1), 1))
    step = -(-len(spatial) // most)
    for node in reversed(spatial[::-1][::step]):
        found = estimator.field(node.index, _middle(node.shape))
        if found is not None:
            yield node.index, found


def _middle(shape: Shape) -> tuple[int, int]:
    height, width = map_size(shape) or (1, 1)
    return height // 2, width // 2
