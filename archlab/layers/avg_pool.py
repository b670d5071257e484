"""The mean of each window."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost
from archlab.layers.pooling import PoolNd
from archlab.layers.shape import Shape


class AvgPoolNd(PoolNd):
    """The mean of each window, over maps of `rank` axes."""

    alias: ClassVar[str] = "avgpool"

    ceil_mode: bool = Field(default=False, description="Keep a last window that hangs over the edge.")
    count_include_pad: bool = Field(default=True, description="Count the zeros of the padding in the mean.")
    divisor_override: int | None = Field(None, ge=1, description="Divide by this instead of the window's size.")

    @property
    def _ceil_mode(self) -> bool:
        return self.ceil_mode

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Additions and one division."""
        return Cost(elementwise=prod(output) * prod(self.kernel_size))


class AvgPool2d(AvgPoolNd):
    """The mean of each window. FLOPs: kernel area (its additions and the division) per output element."""

    type: ClassVar[str] = "avg_pool2d"
    torch_class: ClassVar[str] = "AvgPool2d"
    rank: ClassVar[int] = 2
