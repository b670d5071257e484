"""A part of the channels."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from archlab.layers.base import Layer
from archlab.layers.geometry import GLOBAL, POINTWISE, AxisPair
from archlab.layers.join import _refuse_channels_last
from archlab.layers.operators import Operator, Run
from archlab.layers.room import KEEPS_NOTHING, Training
from archlab.layers.shape import MAP_RANK, Shape, ShapeError
from archlab.layers.strides import Value


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
        return (self.length, *shape[1:])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisPair, ...]:
        """Position by position; a slice of a flat input no longer has positions."""
        return (POINTWISE if len(output) == MAP_RANK else GLOBAL,)

    def operators(
        self, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
    ) -> tuple[Operator, ...]:
        """A view."""
        return (Operator(inputs[0].with_size(1, self.length), holding="view", training=KEEPS_NOTHING, layout="shape"),)

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """Nothing; the input's gradient is a map of zeros with the slice's in it."""
        return KEEPS_NOTHING

    @property
    def storage(self) -> Literal["view"]:
        """A view."""
        return "view"
