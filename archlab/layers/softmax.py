"""Functions along a dimension: softmax and its kin, and gated linear units."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.activation import Activation
from archlab.layers.base import Cost
from archlab.layers.geometry import IDENTITY, WHOLE, AxisReads, Window, pointwise
from archlab.layers.operators import Operator
from archlab.layers.room import KEEPS_OUTPUT
from archlab.layers.runtime import Execution, Runtime, one_operator
from archlab.layers.shape import ChannelsLast, Shape, ShapeError, axis_count, is_map, of_kind, require_map, shape_text
from archlab.layers.strides import iterated

_RUNS = Runtime(layout="shape", gradient_layout="shape", training=KEEPS_OUTPUT, autocast="float32")


class _AlongDim(Activation):
    """A function that mixes the values along one dimension."""

    dim: int = Field(1, description="The dimension; 0 is the batch, 1 the channels.")

    def _axis(self, shape: Shape) -> int:
        """The dimension as an index into the shape without batch.

        Raises:
            ShapeError: if there is no such dimension, or it is the batch.
        """
        rank = len(shape) + 1
        dim = self.dim + rank if self.dim < 0 else self.dim
        if not 1 <= dim < rank:
            raise ShapeError(
                f"{self.type}: dim={self.dim} is not a dimension of {shape_text(shape)} behind the batch",
                option="dim",
                hint=f"1 to {rank - 1}" if rank > 2 else "1",
            )
        return dim - 1

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged."""
        self._axis(inputs[0])
        self._require_channels(inputs[0])
        return inputs[0]

    def _require_channels(self, shape: Shape) -> None:
        """Refuse a spatial dimension of a channels-last map, whose positions are not followed."""
        if isinstance(shape, ChannelsLast) and self._axis(shape) != len(shape) - 1:
            raise ShapeError(
                f"{self.type}: dim={self.dim} is spatial in {shape_text(shape)}, which has its channels last",
                option="dim",
                hint="dim: -1 is the channels; or put {type: channels_first} in front of it",
            )

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """The whole axis, where the dimension is a spatial one."""
        mixed = self._axis(inputs[0]) if is_map(inputs[0]) else 0
        if mixed == 0:
            return super().reads(inputs, output)
        return (tuple([WHOLE if axis == mixed else IDENTITY for axis in range(1, len(output))]),)


class Softmax(_AlongDim):
    """exp(x) / sum(exp(x)) along a dimension. FLOPs: 5 (maximum, subtraction, exp, sum, division)."""

    type: ClassVar[str] = "softmax"
    runs: ClassVar[Runtime] = _RUNS
    alias: ClassVar[str] = "softmax"
    torch_class: ClassVar[str] = "Softmax"
    flops_per_element: ClassVar[int] = 5


class Softmin(_AlongDim):
    """softmax(-x) along a dimension. FLOPs: 6."""

    type: ClassVar[str] = "softmin"
    runs: ClassVar[Runtime] = _RUNS
    alias: ClassVar[str] = "softmin"
    torch_class: ClassVar[str] = "Softmin"
    flops_per_element: ClassVar[int] = 6

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Made of two operators."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """-x, and the softmax."""
        negated = iterated(execution.sizes, execution.inputs)
        softmax = one_operator(runtime, execution._replace(inputs=(negated,)))
        return (Operator(negated, computes="inputs"), softmax._replace(reads=(0,)))


class LogSoftmax(_AlongDim):
    """log(softmax(x)) along a dimension. FLOPs: 5."""

    type: ClassVar[str] = "log_softmax"
    runs: ClassVar[Runtime] = _RUNS
    alias: ClassVar[str] = "log_softmax"
    torch_class: ClassVar[str] = "LogSoftmax"
    flops_per_element: ClassVar[int] = 5


class Softmax2d(Activation):
    """softmax over the channels of a map. FLOPs: 5."""

    type: ClassVar[str] = "softmax2d"
    runs: ClassVar[Runtime] = _RUNS
    alias: ClassVar[str] = "softmax"
    torch_class: ClassVar[str] = "Softmax2d"
    flops_per_element: ClassVar[int] = 5

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W), unchanged."""
        require_map(self.type, inputs[0], 2)
        return inputs[0]


class GLU(_AlongDim):
    """a * sigmoid(b), with a and b the halves of the input along a dimension. FLOPs: 5 per output element."""

    type: ClassVar[str] = "glu"
    runs: ClassVar[Runtime] = Runtime(gradient_layout="shape")
    alias: ClassVar[str] = "glu"
    torch_class: ClassVar[str] = "GLU"

    dim: int = Field(-1, description="The dimension to halve (torch's default is the last one).")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The dimension is halved."""
        (shape,) = inputs
        self._require_channels(shape)
        axis = self._axis(shape)
        if shape[axis] % 2:
            raise ShapeError(f"glu halves dimension {self.dim}, whose size is odd: {shape[axis]}", option="dim")
        halved = (*shape[:axis], shape[axis] // 2, *shape[axis + 1 :])
        return of_kind(shape, halved)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Two positions, half the axis apart, where the dimension is a spatial one."""
        if not is_map(inputs[0]):
            return (pointwise(axis_count(output)),)
        halved = self._axis(inputs[0])
        sizes = enumerate(output[1:], start=1)
        return (tuple([Window(2, 1, 0, size) if axis == halved else IDENTITY for axis, size in sizes]),)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """sigmoid (4) and the product."""
        return Cost(elementwise=5 * prod(output))
