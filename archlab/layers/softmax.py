"""Functions along a dimension: softmax and its kin, and gated linear units."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.activation import Activation
from archlab.layers.base import Cost
from archlab.layers.dims import dim_index, mixing
from archlab.layers.geometry import IDENTITY, AxisReads, Window, pointwise
from archlab.layers.laid import roles_of
from archlab.layers.operators import Operator
from archlab.layers.room import KEEPS_OUTPUT
from archlab.layers.runtime import Execution, Runtime, one_operator
from archlab.layers.shape import Shape, ShapeError, axis_count, of_kind, require_map, shape_text
from archlab.layers.strides import iterated

_RUNS = Runtime(layout="shape", gradient_layout="shape", training=KEEPS_OUTPUT, autocast="float32")


class _AlongDim(Activation):
    """A function that mixes the values along one dimension."""

    is_elementwise: ClassVar[bool] = False

    dim: int = Field(1, description="The dimension; 0 is the batch, 1 the channels.")

    def _axis(self, shape: Shape) -> int:
        """The dimension as an index into the shape without batch."""
        return dim_index(self.type, self.dim, shape)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged."""
        self._axis(inputs[0])
        return inputs[0]

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """The whole of the axes that the dimension holds."""
        return (mixing(inputs[0], (self._axis(inputs[0]),)),)


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
    is_elementwise: ClassVar[bool] = False
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
        axis = self._axis(shape)
        if shape[axis] % 2:
            raise ShapeError(f"glu halves dimension {self.dim}, whose size is odd: {shape[axis]}", option="dim")
        if len(roles_of(shape)[axis]) > 1:
            raise ShapeError(
                f"glu: dim={self.dim} of {shape_text(shape)} holds several axes, whose halves are no map",
                option="dim",
                hint="halve the channels",
            )
        halved = (*shape[:axis], shape[axis] // 2, *shape[axis + 1 :])
        return of_kind(shape, halved)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Two positions, half the axis apart, where the dimension is a spatial one."""
        role, size = roles_of(inputs[0])[self._axis(inputs[0])], output[self._axis(inputs[0])]
        rank = axis_count(output)
        if not role:
            return (pointwise(rank),)
        return (tuple([Window(2, 1, 0, size) if axis in role else IDENTITY for axis in range(rank)]),)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """sigmoid (4) and the product."""
        return Cost(elementwise=5 * prod(output))
