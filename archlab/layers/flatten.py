"""Dimensions made one."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Layer
from archlab.layers.geometry import IDENTITY, WHOLE, AxisReads, pointwise
from archlab.layers.laid import lost_axes, merged
from archlab.layers.operators import Operator, reshape
from archlab.layers.runtime import VIEW, Execution, Runtime
from archlab.layers.shape import Shape, ShapeError, axis_count, shape_text


class Flatten(Layer):
    """Merge dimensions start_dim to end_dim into one: a view, without work. Dimension 0 is the batch.

    Of a map, `start_dim: 2` merges the axes alone: (C, H, W) to (C, H * W), whose positions stay known.
    """

    type: ClassVar[str] = "flatten"
    alias: ClassVar[str] = "flatten"
    torch_class: ClassVar[str] = "Flatten"
    runs: ClassVar[Runtime] = VIEW

    start_dim: int = Field(1, description="First dimension to merge (0 is the batch, 1 the channels).")
    end_dim: int = Field(-1, description="Last dimension to merge.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W) to (C * H * W,) by default."""
        (shape,) = inputs
        rank = len(shape) + 1
        start, end = self._merged(shape)
        if not 1 <= start <= end < rank:
            raise ShapeError(
                f"flatten cannot merge dimensions {self.start_dim} to {self.end_dim} of a batch of "
                f"{shape_text(shape)}; dimension 0 is the batch and must stay",
                option="start_dim",
            )
        if start == end:
            return shape
        return merged(shape, start - 1, end - 1)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Positions merged with channels are none any more: together they see the whole axis."""
        (shape,) = inputs
        start, end = self._merged(shape)
        lost = lost_axes(shape, start - 1, end - 1)
        rank = axis_count(shape)
        if not lost:
            return (pointwise(rank),)
        return (tuple([WHOLE if axis in lost else IDENTITY for axis in range(rank)]),)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """A view, or a copy where what it merges does not lie so; nothing where it merges nothing."""
        start, end = self._merged(inputs[0])
        return self.runs if start == end else self.runs._replace(operators=_reshaped)

    def _merged(self, shape: Shape) -> tuple[int, int]:
        """First and last dimension, counted from the batch."""
        rank = len(shape) + 1
        start = self.start_dim + rank if self.start_dim < 0 else self.start_dim
        return start, self.end_dim + rank if self.end_dim < 0 else self.end_dim


def _reshaped(_runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
    return (reshape(execution.inputs[0], execution.sizes),)
