"""The power mean of each window."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.avg_pool import AvgPool2d, AvgPoolNd
from archlab.layers.base import Cost, Layer
from archlab.layers.fields import OptionalSizes, PositiveSizes
from archlab.layers.geometry import AxisReads
from archlab.layers.operators import Operator, power, view, whole
from archlab.layers.pooling import without_row
from archlab.layers.ranks import of_rank
from archlab.layers.room import KEEPS_INPUT, KEEPS_OUTPUT, Training
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape, require_map
from archlab.layers.strides import Sizes, Value, as_row, in_format_of, iterated

_MeanClass = type[AvgPoolNd]


class LPPoolNd(Layer):
    """The power mean of each window, over maps of `rank` axes."""

    means: ClassVar[_MeanClass]
    """Average pooling over maps of two axes: it is made of its kin."""

    alias: ClassVar[str] = "lppool"
    runs: ClassVar[Runtime] = Runtime(autocast="float32")

    norm_type: float = Field(gt=0, allow_inf_nan=False, description="The power: 1 is the sum, large ones the maximum.")
    kernel_size: PositiveSizes = Field(description="Size of the window: a number or {axes}.")
    stride: OptionalSizes = Field(None, description="Step of the window; the kernel size if left out.")
    ceil_mode: bool = Field(default=False, description="Keep a last window that hangs over the edge.")

    def _sliding(self) -> AvgPoolNd:
        return of_rank(self.means, self.rank)(
            kernel_size=self.kernel_size, stride=self.stride, ceil_mode=self.ceil_mode
        )

    def torch_arguments(self) -> dict[str, Any]:
        """As written; of one axis PyTorch takes numbers only."""
        arguments = super().torch_arguments()
        if self.rank == 1:
            return {name: value[0] if isinstance(value, tuple) else value for name, value in arguments.items()}
        return arguments

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The channels stay."""
        require_map(self.type, inputs[0], self.rank)
        return self._sliding().out_shape(inputs)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """A sliding window on each axis."""
        return self._sliding().reads(inputs, output)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Powers, means, roots."""
        return Cost(elementwise=prod(inputs[0]) + prod(output) * (prod(self.kernel_size) + 2))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Made of several operators."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """Powers, their means, the means' signs, sizes and products, times the area, and the roots."""
        (source,) = execution.inputs
        powers = iterated(source.sizes, (source,))
        pooled = self._means(powers, execution.sizes)
        means, last = pooled[-1].value, len(pooled) + 6
        after = iterated(means.sizes, (means,))
        step = whole(after.elements)
        return (
            Operator(powers, training=power(powers)),
            *pooled[:-1],
            pooled[-1]._replace(until=last),
            Operator(after, (last - 6,)),
            Operator(after, (last - 6,), training=KEEPS_INPUT._replace(backward=step)),
            Operator(after, (last - 4,), training=KEEPS_OUTPUT),
            Operator(after, (last - 5, last - 3), training=Training(inputs=(0, 1))),
            Operator(after, (last - 2,)),
            Operator(after, (last - 1,), training=power(after)),
        )

    def _means(self, powers: Value, sizes: Sizes) -> tuple[Operator, ...]:
        """One operator, behind the powers; along one axis that of a map of one row, between two views."""
        if self.rank > 1:
            return (Operator(in_format_of(sizes, powers), (0,), training=KEEPS_INPUT, layout="format"),)
        row = as_row(powers)
        means = in_format_of((*sizes[:2], 1, sizes[2]), row)
        one = Operator(means, (1,), training=KEEPS_INPUT, layout="format")
        return (view(row, (0,)), one, without_row(means, 2))


class LPPool2d(LPPoolNd):
    """The power mean without its mean: the root of the sum of powers in each window, no padding.

    FLOPs: one power per input element, and kernel area + 2 per output element (a mean, times the area, the root).
    """

    type: ClassVar[str] = "lp_pool2d"
    torch_class: ClassVar[str] = "LPPool2d"
    rank: ClassVar[int] = 2
    means: ClassVar[_MeanClass] = AvgPool2d
