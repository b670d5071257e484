"""Pooling: sliding windows and adaptive ones."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd, prod
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from archlab.layers.base import Layer, one_operator
from archlab.layers.fields import MAX_SIZE, POSITIVE_SCHEMA, NaturalPair, PairValue, PositivePair
from archlab.layers.geometry import AxisPair, Window, adaptive_reads
from archlab.layers.macro import Macro, Step
from archlab.layers.operators import GradientLayout, Layout, Operator, Run, power, whole
from archlab.layers.precision import AutocastTo
from archlab.layers.room import KEEPS_INPUT, KEEPS_NOTHING, KEEPS_OUTPUT, Room, Training
from archlab.layers.shape import Shape, ShapeError, require_map
from archlab.layers.sliding import pooled_size, require_fit
from archlab.layers.strides import Value, in_format_of, iterated

INDEX_BYTES = 8
"""PyTorch finds the position of each maximum as an int64, whether or not anyone asks for it."""


class _SlidingPool(Layer):
    """What max and average pooling share. Shapes: (C, H, W) to (C, H', W')."""

    layout: ClassVar[Layout] = "format"
    gradient_layout: ClassVar[GradientLayout] = "format"

    kernel_size: PositivePair = Field(description="Size of the window: a number or [height, width].")
    stride: PositivePair | None = Field(None, description="Step of the window; the kernel size if left out.")
    padding: NaturalPair = Field((0, 0), description="Padding on both sides; at most half the kernel.")

    @property
    def _dilation(self) -> PairValue:
        return (1, 1)

    @property
    def _ceil_mode(self) -> bool:
        return False

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W) to (C, H', W')."""
        (shape,) = inputs
        require_map(self.type, shape)
        return (shape[0], self._slide(shape, 0), self._slide(shape, 1))

    def _slide(self, shape: Shape, axis: int) -> int:
        window, size = self._window(axis), shape[1 + axis]
        if 2 * window.padding > window.kernel:
            raise ShapeError(
                f"{self.type}: padding={window.padding} is more than half of kernel_size={window.kernel}",
                option="padding",
                hint=f"at most {window.kernel // 2}",
            )
        count = pooled_size(
            size, window.kernel, window.stride, window.padding, window.dilation, ceil_mode=self._ceil_mode
        )
        require_fit(self.type, axis, size, window.kernel, window.dilation, 2 * window.padding, count=count)
        return count

    def _window(self, axis: int) -> Window:
        stride = self.kernel_size if self.stride is None else self.stride
        return Window(self.kernel_size[axis], stride[axis], self.padding[axis], self._dilation[axis])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisPair, ...]:
        """A sliding window on each axis."""
        height, width = self._window(0), self._window(1)
        return ((height, height if width == height else width),)


class MaxPool2d(_SlidingPool):
    """The largest value in each window. FLOPs: kernel area - 1 comparisons per output element."""

    type: ClassVar[str] = "max_pool2d"
    alias: ClassVar[str] = "maxpool"
    torch_class: ClassVar[str] = "MaxPool2d"

    dilation: PositivePair = Field((1, 1), description="Distance between the taps of the window.")
    ceil_mode: bool = Field(default=False, description="Keep a last window that hangs over the edge.")

    @property
    def _dilation(self) -> PairValue:
        return self.dilation

    @property
    def _ceil_mode(self) -> bool:
        return self.ceil_mode

    def elementwise(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Comparisons."""
        return prod(output) * (prod(self.kernel_size) - 1)

    def scratch(self, inputs: tuple[Shape, ...], output: Shape) -> Room:
        """The positions of the maxima."""
        return Room(sample_bytes=INDEX_BYTES * prod(output))

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """The input and the positions."""
        return Training(kept=self.scratch(inputs, output))


class AvgPool2d(_SlidingPool):
    """The mean of each window. FLOPs: kernel area (its additions and the division) per output element."""

    type: ClassVar[str] = "avg_pool2d"
    alias: ClassVar[str] = "avgpool"
    torch_class: ClassVar[str] = "AvgPool2d"

    ceil_mode: bool = Field(default=False, description="Keep a last window that hangs over the edge.")
    count_include_pad: bool = Field(default=True, description="Count the zeros of the padding in the mean.")
    divisor_override: int | None = Field(None, ge=1, description="Divide by this instead of the window's size.")

    @property
    def _ceil_mode(self) -> bool:
        return self.ceil_mode

    def elementwise(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Additions and one division."""
        return prod(output) * prod(self.kernel_size)


def _output_size(value: Any) -> tuple[int | None, int | None]:
    if not isinstance(value, tuple | list):
        value = (value, value)
    if len(value) == 2 and all(v is None or (type(v) is int and 1 <= v <= MAX_SIZE) for v in value):
        return (value[0], value[1])
    raise PydanticCustomError(
        "output_size", "must be a whole number of at least 1, null (as the input), or a pair of these"
    )


_SIZE_OR_NULL: dict[str, Any] = {"anyOf": [POSITIVE_SCHEMA, {"type": "null"}]}
OutputSize = Annotated[
    tuple[int | None, int | None],
    BeforeValidator(_output_size),
    WithJsonSchema(
        {
            "anyOf": [
                *_SIZE_OR_NULL["anyOf"],
                {"type": "array", "items": _SIZE_OR_NULL, "minItems": 2, "maxItems": 2},
            ]
        }
    ),
]


class LPPool2d(Layer):
    """The power mean without its mean: the root of the sum of powers in each window, no padding.

    FLOPs: one power per input element, and kernel area + 2 per output element (a mean, times the area, the root).
    """

    type: ClassVar[str] = "lp_pool2d"
    alias: ClassVar[str] = "lppool"
    torch_class: ClassVar[str] = "LPPool2d"
    autocast_to: ClassVar[AutocastTo] = "float32"

    norm_type: float = Field(gt=0, allow_inf_nan=False, description="The power: 1 is the sum, large ones the maximum.")
    kernel_size: PositivePair = Field(description="Size of the window: a number or [height, width].")
    stride: PositivePair | None = Field(None, description="Step of the window; the kernel size if left out.")
    ceil_mode: bool = Field(default=False, description="Keep a last window that hangs over the edge.")

    def _sliding(self) -> AvgPool2d:
        return AvgPool2d(kernel_size=self.kernel_size, stride=self.stride, ceil_mode=self.ceil_mode)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W) to (C, H', W')."""
        require_map(self.type, inputs[0])
        return self._sliding().out_shape(inputs)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisPair, ...]:
        """A sliding window on each axis."""
        return self._sliding().reads(inputs, output)

    def elementwise(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Powers, means, roots."""
        return prod(inputs[0]) + prod(output) * (prod(self.kernel_size) + 2)

    def operators(
        self, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
    ) -> tuple[Operator, ...]:
        """Powers, their means, the means' signs, sizes and products, times the area, and the roots."""
        (source,) = inputs
        powers = iterated(source.sizes, (source,))
        means = in_format_of((run.batch, *output), powers)
        after = iterated(means.sizes, (means,))
        step = whole(after.elements)
        return (
            Operator(powers, training=power(powers)),
            Operator(means, (0,), training=KEEPS_INPUT, layout="format", until=7),
            Operator(after, (1,)),
            Operator(after, (1,), training=KEEPS_INPUT._replace(backward=step)),
            Operator(after, (3,), training=KEEPS_OUTPUT),
            Operator(after, (2, 4), training=Training(inputs=(0, 1))),
            Operator(after, (5,)),
            Operator(after, (6,), training=power(after)),
        )


class _AdaptivePool(Layer):
    """What the adaptive poolings share. Shapes: (C, H, W) to (C, *output_size)."""

    layout: ClassVar[Layout] = "format"
    gradient_layout: ClassVar[GradientLayout] = "format"

    output_size: OutputSize = Field(description="Size of the output: a number or a pair; null keeps the input's.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W) to (C, *output_size)."""
        (shape,) = inputs
        require_map(self.type, shape)
        height, width = self.output_size
        return (shape[0], height or shape[1], width or shape[2])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisPair, ...]:
        """Windows that share the input out as evenly as possible; they differ where it does not divide."""
        (shape,) = inputs
        return ((adaptive_reads(shape[1], output[1]), adaptive_reads(shape[2], output[2])),)

    def window_elements(self, shape: Shape, output: Shape) -> int:
        """Input elements read by all windows together, over all channels."""
        return shape[0] * _covered(shape[1], output[1]) * _covered(shape[2], output[2])


def _covered(in_size: int, out_size: int) -> int:
    """Sum of the window lengths along one axis."""
    # Neighbours share an input wherever a border between them falls inside of it: at all but every gcd-th.
    return in_size + out_size - gcd(in_size, out_size)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Mean over windows that give the wanted output size. FLOPs: one per element read."""

    type: ClassVar[str] = "adaptive_avg_pool2d"
    alias: ClassVar[str] = "avgpool"
    torch_class: ClassVar[str] = "AdaptiveAvgPool2d"

    def elementwise(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Additions and one division per window."""
        return self.window_elements(inputs[0], output)

    def operators(
        self, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
    ) -> tuple[Operator, ...]:
        """One; of the whole map a mean, whose gradient is expanded."""
        one = one_operator(self, inputs, shapes, output, run)
        return (one._replace(layout="expanded") if output[1:] == (1, 1) else one,)

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """The input; nothing where it is the mean of the whole map."""
        return KEEPS_NOTHING if output[1:] == (1, 1) else KEEPS_INPUT


class AdaptiveMaxPool2d(_AdaptivePool):
    """Largest value over windows that give the wanted output size. FLOPs: window - 1 comparisons each."""

    type: ClassVar[str] = "adaptive_max_pool2d"
    alias: ClassVar[str] = "maxpool"
    torch_class: ClassVar[str] = "AdaptiveMaxPool2d"

    def elementwise(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Comparisons."""
        return self.window_elements(inputs[0], output) - prod(output)

    def scratch(self, inputs: tuple[Shape, ...], output: Shape) -> Room:
        """The positions of the maxima."""
        return Room(sample_bytes=INDEX_BYTES * prod(output))

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """The input and the positions."""
        return Training(kept=self.scratch(inputs, output))


_PoolClass = type[_AdaptivePool]


class _GlobalPool(Macro):
    """What the global poolings share: an adaptive pooling to one position."""

    pooling: ClassVar[_PoolClass]

    def steps(self, shape: Shape, attached: Mapping[str, Layer]) -> list[Step]:
        """The adaptive pooling."""
        require_map(self.type, shape)
        return [Step(self.pooling(output_size=(1, 1)))]


class GlobalAvgPool2d(_GlobalPool):
    """Mean over all positions: `adaptive_avg_pool2d` with output_size 1. (C, H, W) to (C, 1, 1)."""

    type: ClassVar[str] = "global_avg_pool2d"
    alias: ClassVar[str] = "avgpool"
    pooling: ClassVar[_PoolClass] = AdaptiveAvgPool2d


class GlobalMaxPool2d(_GlobalPool):
    """Largest value of all positions: `adaptive_max_pool2d` with output_size 1. (C, H, W) to (C, 1, 1)."""

    type: ClassVar[str] = "global_max_pool2d"
    alias: ClassVar[str] = "maxpool"
    pooling: ClassVar[_PoolClass] = AdaptiveMaxPool2d
