"""The mean of each window."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost
from archlab.layers.pooling import PoolNd
from archlab.layers.runtime import Runtime
from archlab.layers.shape import AXIS_NAMES, Shape
from archlab.layers.sliding import require_fit


class AvgPoolNd(PoolNd):
    """The mean of each window, over maps of `rank` axes."""

    alias: ClassVar[str] = "avgpool"

    ceil_mode: bool = Field(default=False, description="Keep a last window that hangs over the edge.")
    count_include_pad: bool = Field(default=True, description="Count the zeros of the padding in the mean.")

    @property
    def _ceil_mode(self) -> bool:
        return self.ceil_mode

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The channels stay. Along three axes PyTorch takes no kernel larger than the map, padded or not."""
        output = super().out_shape(inputs)
        if self.rank == 3:
            for name, size, kernel in zip(AXIS_NAMES[3], inputs[0][1:], self.kernel_size, strict=True):
                require_fit(self.type, name, size, kernel, 1, 0, count=size - kernel + 1)
        return output

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """As any pooling; along three axes values lie as their sizes say.

        A CPU has no kernel for three in lower precision to count with.
        """
        runtime = super().runtime(inputs, output)
        if self.rank < 3:
            return runtime
        doubt = "follows CUDA's lists and has not been counted"
        return runtime._replace(layout="shape", gradient_layout="shape", autocast_doubt=doubt)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Additions and one division."""
        return Cost(elementwise=prod(output) * prod(self.kernel_size))


class AvgPool1d(AvgPoolNd):
    """The mean of each window. FLOPs: kernel length (its additions and the division) per output element."""

    type: ClassVar[str] = "avg_pool1d"
    torch_class: ClassVar[str] = "AvgPool1d"
    rank: ClassVar[int] = 1


class DividedAvgPoolNd(AvgPoolNd):
    """The sum of each window by a number: PyTorch has it for more than one axis."""

    divisor_override: int | None = Field(None, ge=1, description="Divide by this instead of the window's size.")


class AvgPool2d(DividedAvgPoolNd):
    """The mean of each window. FLOPs: kernel area (its additions and the division) per output element."""

    type: ClassVar[str] = "avg_pool2d"
    torch_class: ClassVar[str] = "AvgPool2d"
    rank: ClassVar[int] = 2
