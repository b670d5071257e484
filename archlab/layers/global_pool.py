"""Pooling of the whole map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from archlab.layers.adaptive_max_pool import AdaptiveMaxPool2d
from archlab.layers.adaptive_pool import AdaptiveAvgPool2d, AdaptivePoolNd
from archlab.layers.base import Layer
from archlab.layers.macro import Macro, Step
from archlab.layers.ranks import of_rank
from archlab.layers.shape import Shape, require_map

_PoolClass = type[AdaptivePoolNd]


class GlobalPoolNd(Macro):
    """What the global poolings share: an adaptive pooling to one position."""

    pooling: ClassVar[_PoolClass]
    """The adaptive pooling over maps of two axes."""

    def steps(self, shape: Shape, attached: Mapping[str, Layer]) -> list[Step]:
        """The adaptive pooling."""
        require_map(self.type, shape, self.rank)
        return [Step(of_rank(self.pooling, self.rank)(output_size=(1,) * self.rank))]


class GlobalAvgPool2d(GlobalPoolNd):
    """Mean over all positions: `adaptive_avg_pool2d` with output_size 1. (C, H, W) to (C, 1, 1)."""

    type: ClassVar[str] = "global_avg_pool2d"
    rank: ClassVar[int] = 2
    alias: ClassVar[str] = "avgpool"
    pooling: ClassVar[_PoolClass] = AdaptiveAvgPool2d


class GlobalMaxPool2d(GlobalPoolNd):
    """Largest value of all positions: `adaptive_max_pool2d` with output_size 1. (C, H, W) to (C, 1, 1)."""

    type: ClassVar[str] = "global_max_pool2d"
    rank: ClassVar[int] = 2
    alias: ClassVar[str] = "maxpool"
    pooling: ClassVar[_PoolClass] = AdaptiveMaxPool2d
