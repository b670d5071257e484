"""Transposed convolution."""

from __future__ import annotations

from math import gcd, prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role, TensorSpec
from archlab.layers.fields import NaturalSizes, Positive, PositiveSizes
from archlab.layers.geometry import AxisReads, Phases, Reads, Window, taps_of
from archlab.layers.runtime import Runtime
from archlab.layers.shape import AXIS_NAMES, Shape, ShapeError, require_map
from archlab.layers.sliding import effective_kernel, require_divides

MAX_TAPS = 65_536
"""Largest kernel and stride: the reads are lists of positions, one list for each phase."""


class ConvTransposeNd(Layer):
    """Transposed convolution over maps of `rank` axes."""

    runs: ClassVar[Runtime] = Runtime(layout="weight", gradient_layout="weight", autocast="lower")
    alias: ClassVar[str] = "upconv"
    attachments: ClassVar[tuple[str, ...]] = ("norm", "activation")
    role: ClassVar[Role] = "weighted"

    out_channels: Positive = Field(description="Number of output channels (filters).")
    kernel_size: PositiveSizes = Field(description="Size of the kernel: a number or {axes}.")
    stride: PositiveSizes = Field((1,), description="Output positions from one input position to the next.")
    padding: NaturalSizes = Field((0,), description="Positions cut off on both sides of the output.")
    output_padding: NaturalSizes = Field(
        (0,), description="Positions added at the end of the output; below the stride or the dilation."
    )
    groups: Positive = Field(1, description="Independent groups of channels; must divide both channel counts.")
    bias: bool = Field(default=True, description="Add a learnable bias; left out by default when there is a norm.")
    dilation: PositiveSizes = Field((1,), description="Distance between the taps of the kernel.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(in_channels, *axes) to (out_channels, *axes)."""
        (shape,) = inputs
        require_map(self.type, shape, self.rank)
        require_divides(self.type, "groups", self.groups, shape[0], "input channels")
        require_divides(self.type, "groups", self.groups, self.out_channels, "output channels")
        return (self.out_channels, *[self._size(shape, axis) for axis in range(self.rank)])

    def _size(self, shape: Shape, axis: int) -> int:
        size, stride, padding = shape[1 + axis], self.stride[axis], self.padding[axis]
        kernel, dilation, extra = self.kernel_size[axis], self.dilation[axis], self.output_padding[axis]
        for option, value in (("kernel_size", kernel), ("stride", stride)):
            if value > MAX_TAPS:
                raise ShapeError(f"{self.type}: {option}={value} is larger than {MAX_TAPS}", option=option)
        if extra >= max(stride, dilation):
            raise ShapeError(
                f"{self.type}: output_padding={extra} must be smaller than the stride ({stride}) or the "
                f"dilation ({dilation}) along the {AXIS_NAMES[self.rank][axis]}",
                option="output_padding",
                hint=f"at most {max(stride, dilation) - 1}",
            )
        full = (size - 1) * stride + effective_kernel(kernel, dilation) + extra
        if full - 2 * padding < 1:
            raise ShapeError(
                f"{self.type}: padding={padding} cuts {2 * padding} positions off the {AXIS_NAMES[self.rank][axis]}, "
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
        return (tuple(map(reaching, self.kernel_size, self.stride, self.padding, self.dilation)),)

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight: (in_channels, out_channels / groups, *kernel_size); bias: (out_channels,)."""
        weight = TensorSpec("weight", (inputs[0][0], self.out_channels // self.groups, *self.kernel_size))
        return (weight, TensorSpec("bias", (self.out_channels,))) if self.bias else (weight,)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """MACs: input elements x kernel area x output channels of one group. The bias: one addition per output."""
        macs = prod(inputs[0]) * (self.out_channels // self.groups) * prod(self.kernel_size)
        return Cost(macs, prod(output) if self.bias else 0)


def reaching(kernel: int, stride: int, padding: int, dilation: int) -> Reads:
    """Along one axis, the inputs whose kernels reach an output position, `stride` positions apart."""
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

    reach = (padding - (kernel - 1) * dilation) // stride, (stride - 1 + padding) // stride
    return Phases(up=stride, down=1, taps=taps_of(stride, -(-kernel // period), taps, reach))


class ConvTranspose2d(ConvTransposeNd):
    """Transposed convolution: each input value adds a weighted kernel to the output, `stride` positions apart.

    Shapes: (in_channels, H, W) to (out_channels, H', W') with H' = (H - 1) * stride - 2 * padding +
    dilation * (kernel_size - 1) + output_padding + 1. MACs: input elements x out_channels / groups x kernel area,
    those that the padding cuts off among them (as torch and fvcore count). FLOPs beyond them: one addition per
    output element where there is a bias.
    """

    type: ClassVar[str] = "conv_transpose2d"
    torch_class: ClassVar[str] = "ConvTranspose2d"
    rank: ClassVar[int] = 2
