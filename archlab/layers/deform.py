"""Deformable convolution: the operation, and the layer that makes its offsets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf, prod
from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Others, Role, TensorSpec
from archlab.layers.conv import Conv2d
from archlab.layers.fields import ConvPadding, Positive, PositiveSizes
from archlab.layers.geometry import AxisReads, Window, pointwise
from archlab.layers.macro import LayerClass, Macro, Step, chain
from archlab.layers.narrow import Narrow
from archlab.layers.room import Room, Training
from archlab.layers.runtime import Runtime
from archlab.layers.shape import Shape, ShapeError, require_map, shape_text
from archlab.layers.sigmoid import Hardtanh, Sigmoid
from archlab.layers.sliding import require_divides


class DeformConv2dOp(Layer):
    """The operation of `deform_conv2d`: a convolution whose taps are moved by offsets (Dai et al. 2017).

    Inputs: the map (C, H, W), the offsets (2 * offset_groups * kernel area, H', W') and, for version 2, the masks
    (offset_groups * kernel area, H', W'). MACs: those of the convolution. FLOPs beyond them: 8 per sampled value
    (output positions x kernel area x in_channels): 4 products, 3 additions, and the addition of the offset; 1 more
    with a mask; the bias.
    """

    type: ClassVar[str] = "deform_conv2d_op"
    rank: ClassVar[int] = 2
    runs: ClassVar[Runtime] = Runtime(
        layout="shape",
        gradient_layout="shape",
        unwanted_gradients="held",
        autocast="first",
        autocast_doubt="follows CUDA's lists and has not been counted",
    )
    alias: ClassVar[str] = "conv"
    torch_class: ClassVar[str] = "torchvision.ops.DeformConv2d"
    role: ClassVar[Role] = "weighted"
    others: ClassVar[Others] = "offsets"

    out_channels: Positive = Field(description="Number of output channels.")
    kernel_size: PositiveSizes = Field(description="Size of the window: a number or {axes}.")
    stride: PositiveSizes = Field((1,), description="Step of the window.")
    padding: ConvPadding = Field((0,), description="Padding on both sides.")
    dilation: PositiveSizes = Field((1,), description="Distance between the taps of the kernel.")
    groups: Positive = Field(1, description="Independent groups of channels; must divide both channel counts.")
    bias: bool = Field(default=True, description="Add a learnable bias.")
    max_offset: float | None = Field(None, gt=0, allow_inf_nan=False, description="What bounds the offsets.")

    def _regular(self) -> Conv2d:
        """The convolution at offsets of zero."""
        arguments = {name: getattr(self, name) for name in type(self).model_fields if name != "max_offset"}
        return Conv2d(**arguments)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W) and offsets to (out_channels, H', W')."""
        if len(inputs) not in (2, 3):
            raise ShapeError(
                f"{self.type} is a part of deform_conv2d, which makes its offsets", hint="write {type: deform_conv2d}"
            )
        output = self._regular().out_shape(inputs[:1])
        area = prod(self.kernel_size)
        for shape, what, channels in zip(inputs[1:], ("offsets", "masks"), (2 * area, area), strict=False):
            if shape[1:] != output[1:] or shape[0] % channels:
                raise ShapeError(
                    f"deform_conv2d: {what} must be a multiple of {channels} x {shape_text(output[1:])}, "
                    f"but they are {shape_text(shape)}"
                )
        return output

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """in_channels."""
        return {"in_channels": inputs[0][0]}

    def torch_arguments(self) -> dict[str, Any]:
        """As written, with `auto` padding as numbers; the bound is the offsets' business."""
        arguments = self._regular().torch_arguments()
        del arguments["padding_mode"]
        if isinstance(arguments["padding"], str):
            arguments["padding"] = (0, 0)
        return arguments

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """The regular grid, from which its taps may move; the offsets and masks at the position itself."""
        reach = inf if self.max_offset is None else self.max_offset
        (grid,) = self._regular().reads(inputs[:1], output)
        moved = tuple([replace(axis, reach=reach) if isinstance(axis, Window) else axis for axis in grid])
        return (moved, *[pointwise(len(moved)) for _ in inputs[1:]])

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight and bias, as of the convolution."""
        return self._regular().tensors(inputs[:1])

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """The convolution's; bilinear sampling and the masks."""
        regular = self._regular().cost(inputs[:1], output)
        sampled = inputs[0][0] * prod(self.kernel_size) * prod(output[1:])
        return Cost(regular.macs, (8 + (len(inputs) == 3)) * sampled + regular.elementwise)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """All inputs are kept, and what torchvision makes up.

        That is a mask of one element for each sample, for version 1; a bias of zeros, where there is none.
        """
        made = Room(elements=len(inputs) == 2, fixed_elements=0 if self.bias else self.out_channels)
        kept = Training(inputs=tuple(range(len(inputs))), kept=made, backward=made)
        return self.runs._replace(workspace=made, training=kept)


class DeformConv2d(Macro):
    """Deformable convolution with its own offsets (Dai et al. 2017; modulated: Zhu et al. 2019).

    A convolution of the same geometry, initially zero, makes the offsets (and with `modulated` the masks, through
    a sigmoid); `torchvision.ops.DeformConv2d` takes them. Shapes as `conv2d`; the costs are those of the parts.
    """

    type: ClassVar[str] = "deform_conv2d"
    rank: ClassVar[int] = 2
    operation: ClassVar[LayerClass | None] = DeformConv2dOp
    alias: ClassVar[str] = "dcn"
    scoped: ClassVar[bool] = True
    attachments: ClassVar[tuple[str, ...]] = ("norm", "activation")

    out_channels: Positive = Field(description="Number of output channels.")
    kernel_size: PositiveSizes = Field(description="Size of the window: a number or {axes}.")
    stride: PositiveSizes = Field((1,), description="Step of the window.")
    padding: ConvPadding = Field((0,), description="Padding on both sides: a number, a pair, or 'auto'.")
    dilation: PositiveSizes = Field((1,), description="Distance between the taps of the kernel.")
    groups: Positive = Field(1, description="Independent groups of channels; must divide both channel counts.")
    bias: bool = Field(default=True, description="Add a learnable bias; left out by default when there is a norm.")
    offset_groups: Positive = Field(1, description="Groups of input channels with offsets of their own.")
    modulated: bool = Field(default=False, description="Scale each sampled value by a learned mask (version 2).")
    max_offset: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Clamp the offsets to this many positions; null for no bound."
    )

    def steps(self, shape: Shape, attached: Mapping[str, Layer]) -> list[Step]:
        """The offsets' convolution, what bounds them, the masks, the operation; then norm and activation."""
        require_map(self.type, shape, 2)
        if self.padding in {"same", "same_tf"}:
            raise ShapeError(
                f"deform_conv2d has no padding '{self.padding}', since torchvision pads both sides equally",
                option="padding",
                hint="padding: auto is the same for odd kernels",
            )
        require_divides(self.type, "offset_groups", self.offset_groups, shape[0], "input channels")
        require_divides(self.type, "groups", self.groups, shape[0], "input channels")
        require_divides(self.type, "groups", self.groups, self.out_channels, "output channels")
        taps = self.offset_groups * prod(self.kernel_size)
        geometry = {name: getattr(self, name) for name in ("kernel_size", "stride", "padding", "dilation")}
        channels = (3 if self.modulated else 2) * taps
        steps = [Step(Conv2d(out_channels=channels, **geometry), (-1,), "offset", zero_init=True)]
        sources = [0]
        if self.modulated:
            steps.append(Step(Narrow(start=0, length=2 * taps), (0,), "offsets"))
            sources = [1]
        if self.max_offset is not None:
            steps.append(Step(Hardtanh(min_val=-self.max_offset, max_val=self.max_offset), (sources[0],), "bound"))
            sources = [len(steps) - 1]
        if self.modulated:
            steps.append(Step(Narrow(start=2 * taps, length=taps), (0,), "masks"))
            steps.append(Step(Sigmoid(), (len(steps) - 1,), "sigmoid"))
            sources.append(len(steps) - 1)
        operation = DeformConv2dOp(
            out_channels=self.out_channels, groups=self.groups, bias=self.bias, max_offset=self.max_offset, **geometry
        )
        steps.append(Step(operation, (-1, *sources), "conv"))
        return [*steps, *chain(len(steps) - 1, *attached.values())]
