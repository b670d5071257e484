"""Values along dimensions made one: sum, mean, maximum, length."""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from archlab.layers.base import Cost, Layer
from archlab.layers.dims import dim_index, mixing
from archlab.layers.geometry import AxisReads
from archlab.layers.laid import reduced
from archlab.layers.operators import GradientLayout, Operator, view
from archlab.layers.room import KEEPS_NOTHING, Gradient, Room, Training
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape, ShapeError
from archlab.layers.strides import contiguous


def _dims(value: Any) -> int | tuple[int, ...]:
    if type(value) is int:
        return value
    if isinstance(value, tuple | list) and value and all(type(dim) is int for dim in value):
        return tuple(value)
    raise PydanticCustomError("dims", "must be a dimension such as 1, or a list of them")


_DIMS_SCHEMA = {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}, "minItems": 1}]}
Dims = Annotated[int | tuple[int, ...], BeforeValidator(_dims), WithJsonSchema(_DIMS_SCHEMA)]


class Reduction(Layer):
    """What the reductions share."""

    dim: Dims = Field(description="The dimensions, 1 being the channels: a number or a list.")
    keepdim: bool = Field(default=False, description="Leave each of them, with size 1.")

    gradient: ClassVar[Gradient] = "new"
    """Where the input's gradient lives."""

    def _indices(self, shape: Shape) -> tuple[int, ...]:
        """The dimensions as indices into the shape, in order.

        Raises:
            ShapeError: if there is no such dimension, it is the batch, or it is named twice.
        """
        dims = self.dim if isinstance(self.dim, tuple) else (self.dim,)
        found = [dim_index(self.type, dim, shape) for dim in dims]
        if len(set(found)) < len(found):
            raise ShapeError(f"{self.type}: dim={list(dims)} names a dimension twice", option="dim")
        return tuple(sorted(found))

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Without the dimensions, or with 1 for each; the whole of a sample cannot be made one number."""
        (shape,) = inputs
        dims = self._indices(shape)
        if len(dims) == len(shape) and not self.keepdim:
            raise ShapeError(
                f"{self.type}: dim={self.dim} leaves a sample no dimension", option="dim", hint="write keepdim: true"
            )
        return reduced(shape, dims, keepdim=self.keepdim)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """The whole of each axis among the dimensions."""
        return (mixing(inputs[0], self._indices(inputs[0])),)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The reduction, whose dimensions are then left out."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """One: PyTorch leaves the dimensions out on the way."""
        (source,) = execution.inputs
        dims = {dim + 1 for dim in self._indices(execution.shapes[0])}
        kept = tuple([1 if dim in dims else size for dim, size in enumerate(source.sizes)])
        value = contiguous(kept)  # whatever order the input has
        one = Operator(
            value, training=self._training(execution), layout=self._gradient_order, gradients=(self.gradient,)
        )
        if self.keepdim:
            return (one,)
        # no view to autograd: what is then written over is the result itself
        return (one, view(contiguous(execution.sizes), (0,))._replace(holding="alias"))

    @property
    def _gradient_order(self) -> GradientLayout:
        """In which order the input's gradient lies where it is new."""
        return "stretched"

    def _training(self, execution: Execution) -> Training:
        return KEEPS_NOTHING


class Mean(Reduction):
    """The mean along dimensions (`torch.mean`). FLOPs: one per input element (the additions and the division)."""

    type: ClassVar[str] = "mean"
    alias: ClassVar[str] = "mean"

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Additions, and a division for each result."""
        return Cost(elementwise=prod(inputs[0]))


class Sum(Reduction):
    """The sum along dimensions (`torch.sum`). FLOPs: the additions, input elements less output elements."""

    type: ClassVar[str] = "sum"
    alias: ClassVar[str] = "sum"
    gradient: ClassVar[Gradient] = "expand"
    runs: ClassVar[Runtime] = Runtime(autocast="float32 result")

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Additions."""
        return Cost(elementwise=prod(inputs[0]) - prod(output))


class AMax(Reduction):
    """The largest value along dimensions (`torch.amax`). FLOPs: comparisons, input less output elements."""

    type: ClassVar[str] = "amax"
    alias: ClassVar[str] = "max"

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Comparisons."""
        return Cost(elementwise=prod(inputs[0]) - prod(output))

    @property
    def _gradient_order(self) -> GradientLayout:
        return "masked"

    def _training(self, execution: Execution) -> Training:
        """Where it is the largest is asked again: a mask, how many share it, and each one's part of the gradient."""
        elements, results = execution.inputs[0].elements, prod(execution.sizes)
        shared = Room(fixed_elements=results, fixed_bytes=elements + 8 * results)
        return Training(output=True, backward=shared)


class VectorNorm(Reduction):
    """The length along dimensions (`torch.linalg.vector_norm`): the root of the sum of squares, or the sum of sizes.

    FLOPs: of order 2 two per input element (a square, an addition or the root); of order 1 one more than additions.
    """

    type: ClassVar[str] = "vector_norm"
    alias: ClassVar[str] = "norm"
    runs: ClassVar[Runtime] = Runtime(autocast="float32 result")

    ord: Literal[1, 2] = Field(2, description="2: the root of the sum of squares; 1: the sum of sizes.")

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Squares, additions and roots; or sizes and additions."""
        return Cost(elementwise=2 * prod(inputs[0]) - (prod(output) if self.ord == 1 else 0))

    @property
    def _gradient_order(self) -> GradientLayout:
        """Signs times the gradient, or that times the input over its length."""
        return "kept" if self.ord == 1 else "scaled"

    def _training(self, execution: Execution) -> Training:
        """The signs, as precise as the input, come before the gradient; or the input over its length, and its zeros."""
        elements = execution.inputs[0].elements
        if self.ord == 1:
            return Training(output=True, backward=Room(read_elements=elements))
        return Training(output=True, backward=Room(fixed_elements=elements, fixed_bytes=prod(execution.sizes)))
