"""Fully connected layers."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import ChannelsLast, Layer, Order, Shape, ShapeError, TensorSpec, shape_text
from archlab.layers.fields import Positive
from archlab.layers.precision import AutocastTo
from archlab.layers.room import Room


class Linear(Layer):
    """Fully connected layer: (in_features,) to (out_features,), or over the channels of a channels-last map.

    MACs: output elements x in_features. FLOPs beyond them: one addition per output where there is a bias.
    """

    type: ClassVar[str] = "linear"
    order: ClassVar[Order] = "shape"
    alias: ClassVar[str] = "fc"
    torch_class: ClassVar[str] = "Linear"
    counts_activations: ClassVar[bool] = True
    sums_bias: ClassVar[bool] = True
    autocast_to: ClassVar[AutocastTo] = "lower"

    out_features: Positive = Field(description="Number of outputs.")
    bias: bool = Field(default=True, description="Add a learnable bias.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(in_features,) to (out_features,); (H, W, in_features) to (H, W, out_features)."""
        (shape,) = inputs
        if isinstance(shape, ChannelsLast):
            return ChannelsLast((*shape[:-1], self.out_features))
        if len(shape) != 1:
            raise ShapeError(
                f"linear needs a flat input, but its input is {shape_text(shape)}",
                hint="put {type: flatten} in front of it, or {type: channels_last} to work on the channels",
            )
        return (self.out_features,)

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """in_features."""
        return {"in_features": inputs[0][-1]}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight: (out_features, in_features); bias: (out_features,)."""
        weight = TensorSpec("weight", (self.out_features, inputs[0][-1]))
        return (weight, TensorSpec("bias", (self.out_features,))) if self.bias else (weight,)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Output elements x in_features."""
        return prod(output) * inputs[0][-1]

    def elementwise(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """The bias: one addition per output."""
        return prod(output) if self.bias else 0

    def reordering(self, inputs: tuple[Shape, ...], output: Shape) -> Room:
        """The input in its shape's order, and then, with a bias, the product in front of it."""
        return Room(elements=max(prod(inputs[0]), prod(output) * self.bias))
