"""Fully connected layers."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Layer, Shape, ShapeError, TensorSpec, shape_text
from archlab.layers.fields import Positive


class Linear(Layer):
    """Fully connected layer: (in_features,) to (out_features,).

    MACs: in_features x out_features. FLOPs beyond them: one addition per output where there is a bias.
    """

    type: ClassVar[str] = "linear"
    alias: ClassVar[str] = "fc"
    torch_class: ClassVar[str] = "Linear"
    counts_activations: ClassVar[bool] = True

    out_features: Positive = Field(description="Number of outputs.")
    bias: bool = Field(default=True, description="Add a learnable bias.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(in_features,) to (out_features,)."""
        (shape,) = inputs
        if len(shape) != 1:
            raise ShapeError(
                f"linear needs a flat input, but its input is {shape_text(shape)}",
                hint="put {type: flatten} in front of it",
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
        """in_features x out_features."""
        return inputs[0][-1] * self.out_features

    def elementwise(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """The bias: one addition per output."""
        return self.out_features if self.bias else 0
