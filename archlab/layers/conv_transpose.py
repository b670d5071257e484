"""Transposed convolution."""

from __future__ import annotations

from math import gcd, prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, TensorSpec
from archlab.layers.fields import NaturalPair, Positive, PositivePair
from archlab.layers.geometry import AxisReads, Phases, Reads, Window, taps_of
from archlab.layers.runtime import Runtime
from archlab.layers.shape import Shape, ShapeError, require_map
from archlab.layers.sliding import AXES, effective_kernel, require_divides

MAX_TAPS = 65_536
"""Largest kernel and stride: the reads are lists of positions, one list for each phase."""


class ConvTranspose2d(Layer):
    """Transposed convolution: each input value adds a weighted kernel to the output, `stride` positions apart.

    Shapes: (in_channels, H, W) to (out_channels, H', W') with H' = (H - 1) * stride - 2 * padding +
    dilation * (kernel_size - 1) + output_padding + 1. MACs: input elements x out_channels / groups x kernel area,
    those that the padding cuts off among them (as torch and fvcore count). FLOPs beyond them: one addition per
    output element where there is a bias.
    """

    type: ClassVar[str] = "conv_transpose2d"
    runs: ClassVar[Runtime] = Runtime(layout="weight", gradient_layout="weight", autocast="lower")
    alias: ClassVar[str] = "upconv"
    torch_class: ClassVar[str] = "ConvTranspose2d"
    attachments: ClassVar[tuple[str, ...]] = ("norm", "activation")
    counts_activations: ClassVar[bool] = True

    out_channels: Positive = Field(description="Number of output channels (filters).")
    kernel_size: PositivePair = Field(description="Size of the kernel: a number or [height, width].")
    stride: PositivePair = Field((1, 1), description="Output positions from one input position to the next.")
    padding: NaturalPair = Field((0, 0), description="Positions cut off on both sides of the output.")
    output_padding: NaturalPair = Field(
        (0, 0), description="Positions added at the end of the output; below the stride or the dilation."
    )
    groups: Positive = Field(1, description="Independent groups of channels; must divide both channel counts.")
    bias: bool = Field(default=True, description="Add a learnable bias; left out by default when there is a norm.")
    dilation: PositivePair = Field((1, 1), description="Distance between the taps of the kernel.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(in_channels, H, W) to (out_channels, H', W')."""
        (shape,) = inputs
        require_map(self.type, shape)
        require_divides(self.type, "groups", self.groups, shape[0], "input channels")
        require_divides(self.type, "groups", self.groups, self.out_channels, "output channels")
        return (self.out_channels, self._size(shape, 0), self._size(shape, 1))

    def _size(self, shape: Shape, axis: int) -> int:
        size, stride, padding = shape[1 + axis], self.stride[axis], self.padding[axis]
        kernel, dilation, extra = self.kernel_size[axis], self.dilation[axis], self.output_padding[axis]
        for option, value in (("kernel_size", kernel), ("stride", stride)):
            if value > MAX_TAPS:
                raise ShapeError(f"{self.type}: {option}={value} is larger than {MAX_TAPS}", option=option)
        if extra >= max(stride, dilation):
            raise ShapeError(
                f"{self.type}: output_padding={extra} must be smaller than the stride ({stride}) or the "
                f"dilation ({dilation}) along the {AXES[axis]}",
                option="output_padding",
                hint=f"at most {max(stride, dilation) - 1}",
            )
        full = (size - 1) * stride + effective_kernel(kernel, dilation) + extra
        if full - 2 * padding < 1:
            raise ShapeError(
                f"{self.type}: padding={padding} cuts {2 * padding} positions off the {AXES[axis]}, "
                f"but without padding there are only {full}",
                option="padding",
                hint=f"at most {(full - 1) // 2}",
            )
        return full - 2 * padding

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """in_channels."""
        return {"in_channels": inputs[0][0]}

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """The inputs whose kernels reach an output position: they repeat with the stride.

        Where the kernel is smaller than the stride, some outputs are reached by none: they are the bias alone.
        """
        return ((self._axis(0), self._axis(1)),)

    def _axis(self, axis: int) -> Reads:
        kernel, stride, padding, dilation = (
            value[axis] for value in (self.kernel_size, self.stride, self.padding, self.dilation)
        )
        if stride == 1:
            return Window(kernel, 1, dilation * (kernel - 1) - padding, dilation)
        # Output p gets tap k of input i where p + padding = i * stride + k * dilation.
        period = stride // gcd(stride, dilation)
        first_tap = {k * dilation % stride: k for k in reversed(range(min(period, kernel)))}

        def taps(phase: int) -> tuple[int, ...]:
            place = phase + padding
            start = first_tap.get(place % stride)
            reached = () if start is None else range(start, kernel, period)
            return tuple([(place - k * dilation) // stride for k in reversed(reached)])

        return Phases(up=stride, down=1, taps=taps_of(stride, -(-kernel // period), taps))

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight: (in_channels, out_channels / groups, kernel height, kernel width); bias: (out_channels,)."""
        weight = TensorSpec("weight", (inputs[0][0], self.out_channels // self.groups, *self.kernel_size))
        return (weight, TensorSpec("bias", (self.out_channels,))) if self.bias else (weight,)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """MACs: input elements x kernel area x output channels of one group. The bias: one addition per output."""
        macs = prod(inputs[0]) * (self.out_channels // self.groups) * prod(self.kernel_size)
        return Cost(macs, prod(output) if self.bias else 0)
