"""Normalisation over features."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role, TensorSpec
from archlab.layers.laid import roles_of
from archlab.layers.norm import STATISTICS_FLOPS, affine_tensors
from archlab.layers.operators import (
    Operator,
    permutation,
)
from archlab.layers.room import Room, Training
from archlab.layers.runtime import Execution, Runtime, one_operator
from archlab.layers.shape import Shape, ShapeError, require_map, shape_text
from archlab.layers.strides import contiguous


class LayerNorm(Layer):
    """Layer normalisation (Ba et al. 2016) over the last dimension: features, or channels of a channels-last map.

    FLOPs per element: 5, and 1 each for scale and shift.
    """

    type: ClassVar[str] = "layer_norm"
    runs: ClassVar[Runtime] = Runtime(layout="shape", gradient_layout="shape", autocast="float32")
    alias: ClassVar[str] = "ln"
    torch_class: ClassVar[str] = "LayerNorm"
    role: ClassVar[Role] = "norm"
    attachments: ClassVar[tuple[str, ...]] = ("activation",)

    eps: float = Field(1e-5, ge=0, allow_inf_nan=False, description="Added to the variance.")
    elementwise_affine: bool = Field(default=True, description="Learn a scale and a shift per channel.")
    bias: bool = Field(default=True, description="Learn the shift, where affine.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(features,), (H, W, C) or (tokens, C), unchanged."""
        (shape,) = inputs
        if roles_of(shape)[-1]:
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

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Mean and inverse deviation of each position are made, and kept beside the input."""
        statistics = Room(elements=2 * prod(output) // self._channels(output))
        return self.runs._replace(workspace=statistics, training=Training(kept=statistics))

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
        require_map(self.type, inputs[0], 2)
        return inputs[0]

    def _channels(self, shape: Shape) -> int:
        return shape[0]

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The norm between two permutations."""
        return super().runtime(inputs, output)._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """A permutation, the norm over the last dimension, and back."""
        turned = permutation(execution.inputs[0], (0, 2, 3, 1))
        norm = one_operator(runtime, execution)._replace(value=contiguous(turned.value.sizes), reads=(0,))
        return (turned, norm, permutation(norm.value, (0, 3, 1, 2), 1))
