"""A part of the channels."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Layer
from archlab.layers.join import _refuse_channels_last
from archlab.layers.operators import Operator
from archlab.layers.room import KEEPS_NOTHING
from archlab.layers.runtime import VIEW, Execution, Runtime
from archlab.layers.shape import Shape, ShapeError, of_kind


class Narrow(Layer):
    """A slice of the channels, as `torch.narrow(input, 1, start, length)`: a view, without work."""

    type: ClassVar[str] = "narrow"
    alias: ClassVar[str] = "split"

    start: int = Field(ge=0, description="First channel.")
    length: int = Field(ge=1, description="Number of channels.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, ...) to (length, ...)."""
        (shape,) = inputs
        _refuse_channels_last(self.type, inputs)
        if self.start + self.length > shape[0]:
            raise ShapeError(
                f"narrow takes channels {self.start} to {self.start + self.length - 1}, but the input has {shape[0]}",
                option="length",
            )
        return of_kind(shape, (self.length, *shape[1:]))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """A view; the input's gradient is a map of zeros with the slice's in it."""
        return VIEW._replace(training=KEEPS_NOTHING, operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """One."""
        value = execution.inputs[0].with_size(1, self.length)
        return (Operator(value, holding="view", training=KEEPS_NOTHING, layout="shape"),)
