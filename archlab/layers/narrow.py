"""A part of a dimension."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.base import Layer
from archlab.layers.dims import dim_index, mixing
from archlab.layers.fields import Positive
from archlab.layers.geometry import IDENTITY, AxisReads, Window, pointwise
from archlab.layers.laid import CHANNELS, extra_of, laid, positions_of, reduced, roles_of
from archlab.layers.operators import Operator
from archlab.layers.room import KEEPS_NOTHING
from archlab.layers.runtime import VIEW, Execution, Runtime
from archlab.layers.shape import Shape, ShapeError, axis_count, of_kind, shape_text


class Narrow(Layer):
    """A slice along a dimension, as `torch.narrow(input, dim, start, length)`: a view, without work. FLOPs: none."""

    type: ClassVar[str] = "narrow"
    alias: ClassVar[str] = "split"

    dim: int = Field(1, description="The dimension; 1 is the channels of a map.")
    start: int = Field(ge=0, description="Where the slice begins, from 0.")
    length: int = Field(ge=1, description="How much of the dimension it takes.")
    step: Positive = Field(1, description="Take every so many entries, as `x[:, :, ::2]` does every second.")

    def torch_arguments(self) -> dict[str, Any]:
        """`step` only where it is not 1, which `torch.narrow` does not have."""
        found = super().torch_arguments()
        return found if self.step > 1 else {name: value for name, value in found.items() if name != "step"}

    @property
    def end(self) -> int:
        """One past the last entry that it takes."""
        return self.start + (self.length - 1) * self.step + 1

    def _index(self, shape: Shape) -> int:
        return dim_index(self.type, self.dim, shape)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The dimension has the length."""
        (shape,) = inputs
        dim = self._index(shape)
        if self.end > shape[dim]:
            taken = f"{self.start} to {self.end - 1}"
            what = f"channels {taken}" if not roles_of(shape)[dim] else f"positions {taken} of dimension {self.dim}"
            raise ShapeError(f"narrow takes {what}, but the input has {shape[dim]}", option="length")
        if len(roles_of(shape)[dim]) > 1:
            return self._of_tokens(shape, dim)
        return of_kind(shape, (*shape[:dim], self.length, *shape[dim + 1 :]))

    def _of_tokens(self, shape: Shape, dim: int) -> Shape:
        """Of merged axes: what stands for no position, or all but that."""
        extra = extra_of(shape)
        if self.start == extra and self.start + self.length == shape[dim] and self.step == 1:
            return laid((*shape[:dim], self.length, *shape[dim + 1 :]), roles_of(shape), positions_of(shape))
        if self.end <= extra:
            gone = reduced(shape, (dim,), keepdim=True)
            roles = tuple([CHANNELS if number == dim else role for number, role in enumerate(roles_of(gone))])
            return laid((*shape[:dim], self.length, *shape[dim + 1 :]), roles, positions_of(gone))
        raise ShapeError(
            f"narrow takes some of the positions of dimension {self.dim} of {shape_text(shape)}, which are no map's",
            option="start",
            hint="cut the map before its axes are merged",
        )

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Positions are moved to the front; a class token by itself is taken for what all tokens see."""
        (shape,) = inputs
        dim, rank = self._index(shape), axis_count(shape)
        role = roles_of(shape)[dim]
        if len(role) == 1 and self.length < shape[dim]:
            window = Window(padding=-self.start, stride=self.step)
            return (tuple([window if axis in role else IDENTITY for axis in range(rank)]),)
        if len(role) > 1 and self.end <= extra_of(shape):
            return (mixing(shape, (dim,)),)
        return (pointwise(rank),)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """A view; the input's gradient is a map of zeros with the slice's in it."""
        return VIEW._replace(training=KEEPS_NOTHING, operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """One."""
        dim = self._index(execution.shapes[0]) + 1
        value = execution.inputs[0].with_size(dim, self.length)
        strides = [stride * (self.step if number == dim else 1) for number, stride in enumerate(value.strides)]
        value = value._replace(strides=tuple(strides))
        return (Operator(value, holding="view", training=KEEPS_NOTHING, layout="shape"),)
