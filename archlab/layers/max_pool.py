"""The maximum of each window."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost
from archlab.layers.fields import PositiveSizes, Sizes
from archlab.layers.operators import Operator
from archlab.layers.pooling import INDEX_BYTES, PoolNd, along_one_axis, without_row
from archlab.layers.room import NOTHING, Room, Training
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape
from archlab.layers.strides import contiguous


class MaxPoolNd(PoolNd):
    """The largest value in each window, over maps of `rank` axes."""

    alias: ClassVar[str] = "maxpool"

    dilation: PositiveSizes = Field((1,), description="Distance between the taps of the window.")
    ceil_mode: bool = Field(default=False, description="Keep a last window that hangs over the edge.")

    @property
    def _dilation(self) -> Sizes:
        return self.dilation

    @property
    def _ceil_mode(self) -> bool:
        return self.ceil_mode

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Comparisons."""
        return Cost(elementwise=prod(output) * (prod(self.kernel_size) - 1))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The positions of the maxima are made, and kept beside the input."""
        places = Room(sample_bytes=INDEX_BYTES * prod(output))
        runtime = self.runs._replace(workspace=places, training=Training(kept=places))
        return runtime._replace(operators=_without_places) if self.rank == 1 else runtime


def _without_places(runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
    """Along one axis PyTorch makes positions only where a gradient is wanted, or a dispatch mode watches."""
    before, one, after = along_one_axis(runtime, execution)
    if execution.run.watched:
        return (before, one, after)
    if execution.run.training:
        return (before, one._replace(training=one.training._replace(kept_only=True)), after)
    row = contiguous(one.value.sizes)  # by a kernel of its own
    return (before, one._replace(value=row, scratch=NOTHING), without_row(row, 1))


class MaxPool2d(MaxPoolNd):
    """The largest value in each window. FLOPs: kernel area - 1 comparisons per output element."""

    type: ClassVar[str] = "max_pool2d"
    torch_class: ClassVar[str] = "MaxPool2d"
    rank: ClassVar[int] = 2
