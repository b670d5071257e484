"""Normalisation over groups of channels."""

from __future__ import annotations

from math import gcd, prod
from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role, TensorSpec
from archlab.layers.fields import Positive
from archlab.layers.geometry import AxisReads, in_context
from archlab.layers.norm import STATISTICS_FLOPS, affine_tensors
from archlab.layers.room import Room, Training
from archlab.layers.runtime import Runtime
from archlab.layers.shape import Shape, ShapeError, axis_count, require_map, shape_text


class GroupNorm(Layer):
    """Group normalisation (Wu & He 2018): over the positions and channels of each group, then scale and shift.

    The statistics are of the sample itself, in eval mode too. FLOPs per element: 5, and 1 each for scale and shift.
    The receptive field stays as it is; that the statistics see the whole map is told as context.
    """

    type: ClassVar[str] = "group_norm"
    runs: ClassVar[Runtime] = Runtime(layout="format", gradient_layout="format", autocast="float32")
    alias: ClassVar[str] = "gn"
    torch_class: ClassVar[str] = "GroupNorm"
    role: ClassVar[Role] = "norm"
    attachments: ClassVar[tuple[str, ...]] = ("activation",)

    num_groups: Positive = Field(description="Groups of channels; must divide them. 1: all channels together.")
    eps: float = Field(1e-5, ge=0, allow_inf_nan=False, description="Added to the variance.")
    affine: bool = Field(default=True, description="Learn a scale and a shift per channel.")
    bias: bool = Field(default=True, description="Learn the shift, where affine.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes) or (C,), unchanged."""
        (shape,) = inputs
        if len(shape) > 1:
            require_map(self.type, shape)
        if shape[0] % self.num_groups:
            common = gcd(shape[0], self.num_groups)
            raise ShapeError(
                f"group_norm: num_groups={self.num_groups} does not divide the {shape[0]} channels",
                option="num_groups",
                hint=f"{common} does" if common > 1 else None,
            )
        if prod(shape) == self.num_groups:
            raise ShapeError(
                f"group_norm: each of the {self.num_groups} groups of {shape_text(shape)} is a single value, "
                "and its mean is itself",
                option="num_groups",
            )
        return shape

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """num_channels."""
        return {"num_channels": inputs[0][0]}

    def torch_arguments(self) -> dict[str, Any]:
        """As written; `bias` only where it is false, since older versions of PyTorch do not have it."""
        arguments = super().torch_arguments()
        if self.bias:
            del arguments["bias"]
        return arguments

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight, bias: (C,)."""
        return affine_tensors(inputs[0][0], weight=self.affine, bias=self.bias)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Statistics, normalisation, scale and shift."""
        return Cost(elementwise=(STATISTICS_FLOPS + len(self.tensors(inputs))) * prod(output))

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Position by position; the statistics see the whole map."""
        return (in_context(axis_count(output)),)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Mean and inverse deviation of each group are made, and kept beside the input."""
        statistics = Room(elements=2 * self.num_groups)
        return self.runs._replace(workspace=statistics, training=Training(kept=statistics))
