"""Normalisation over features."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role, TensorSpec, one_operator
from archlab.layers.norm import STATISTICS_FLOPS, affine_tensors
from archlab.layers.operators import (
    GradientLayout,
    Layout,
    Operator,
    Run,
    permutation,
)
from archlab.layers.precision import AutocastTo
from archlab.layers.room import Room, Training
from archlab.layers.shape import ChannelsLast, Shape, ShapeError, require_map, shape_text
from archlab.layers.strides import Value, contiguous


class LayerNorm(Layer):
    """Layer normalisation (Ba et al. 2016) over the last dimension: features, or channels of a channels-last map.

    FLOPs per element: 5, and 1 each for scale and shift.
    """

    type: ClassVar[str] = "layer_norm"
    gradient_layout: ClassVar[GradientLayout] = "shape"
    layout: ClassVar[Layout] = "shape"
    alias: ClassVar[str] = "ln"
    torch_class: ClassVar[str] = "LayerNorm"
    role: ClassVar[Role] = "norm"
    autocast_to: ClassVar[AutocastTo] = "float32"

    eps: float = Field(1e-5, ge=0, allow_inf_nan=False, description="Added to the variance.")
    elementwise_affine: bool = Field(default=True, description="Learn a scale and a shift per channel.")
    bias: bool = Field(default=True, description="Learn the shift, where affine.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(features,) or (H, W, C), unchanged."""
        (shape,) = inputs
        if len(shape) != 1 and not isinstance(shape, ChannelsLast):
            raise ShapeError(
                f"layer_norm normalises over the last dimension, but its input {shape_text(shape)} has channels first",
                hint="use layer_norm2d, or put {type: channels_last} in front of it",
            )
        return shape

    def _channels(self, shape: Shape) -> int:
        return shape[-1]

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """normalized_shape."""
        return {"normalized_shape": self._channels(inputs[0])}

    def scratch(self, inputs: tuple[Shape, ...], output: Shape) -> Room:
        """Mean and inverse deviation of each position."""
        return Room(elements=2 * prod(output) // self._channels(output))

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """The input and the statistics."""
        return Training(kept=self.scratch(inputs, output))

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight, bias: (C,)."""
        return affine_tensors(self._channels(inputs[0]), weight=self.elementwise_affine, bias=self.bias)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Statistics, normalisation, scale and shift."""
        return Cost(elementwise=(STATISTICS_FLOPS + len(self.tensors(inputs))) * prod(output))


class LayerNorm2d(LayerNorm):
    """Layer normalisation over the channels of a map, position by position (ConvNeXt, Liu et al. 2022).

    torchvision's `LayerNorm2d`: a permutation to channels-last, `layer_norm`, and back. FLOPs per element: 5, and
    1 each for scale and shift.
    """

    type: ClassVar[str] = "layer_norm2d"
    torch_class: ClassVar[str] = "torchvision.models.convnext.LayerNorm2d"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W), unchanged."""
        require_map(self.type, inputs[0])
        return inputs[0]

    def _channels(self, shape: Shape) -> int:
        return shape[0]

    def operators(
        self, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
    ) -> tuple[Operator, ...]:
        """A permutation, the norm over the last dimension, and back."""
        (source,) = inputs
        turned = permutation(source, (0, 2, 3, 1))
        norm = one_operator(self, inputs, shapes, output, run)._replace(
            value=contiguous(turned.value.sizes), reads=(0,)
        )
        return (turned, norm, permutation(norm.value, (0, 3, 1, 2), 1))
