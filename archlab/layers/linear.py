"""Fully connected layers."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role, TensorSpec
from archlab.layers.fields import Positive
from archlab.layers.laid import roles_of
from archlab.layers.operators import Holding, Operator, reshape, view
from archlab.layers.room import SHARES
from archlab.layers.runtime import Execution, Runtime, one_operator
from archlab.layers.shape import Shape, ShapeError, of_kind, shape_text
from archlab.layers.strides import contiguous


class Linear(Layer):
    """Fully connected layer: (in_features,) to (out_features,), or over the channels where they are the last dimension.

    MACs: output elements x in_features. FLOPs beyond them: one addition per output where there is a bias.
    """

    type: ClassVar[str] = "linear"
    runs: ClassVar[Runtime] = Runtime(layout="shape", gradient_layout="shape", sums_bias=True, autocast="lower")
    alias: ClassVar[str] = "fc"
    torch_class: ClassVar[str] = "Linear"
    attachments: ClassVar[tuple[str, ...]] = ("norm", "activation")
    role: ClassVar[Role] = "weighted"

    out_features: Positive = Field(description="Number of outputs.")
    bias: bool = Field(default=True, description="Add a learnable bias; left out by default when there is a norm.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(in_features,) to (out_features,); (..., in_features) to (..., out_features)."""
        (shape,) = inputs
        if roles_of(shape)[-1]:
            raise ShapeError(
                f"linear needs a flat input, but its input is {shape_text(shape)}",
                hint="put {type: flatten} in front of it, or {type: channels_last} to work on the channels",
            )
        return of_kind(shape, (*shape[:-1], self.out_features))

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """in_features."""
        return {"in_features": inputs[0][-1]}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight: (out_features, in_features); bias: (out_features,)."""
        weight = TensorSpec("weight", (self.out_features, inputs[0][-1]))
        return (weight, TensorSpec("bias", (self.out_features,))) if self.bias else (weight,)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """MACs: output elements x in_features. The bias: one addition per output."""
        elements = prod(output)
        return Cost(elements * inputs[0][-1], elements if self.bias else 0)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Over the last dimension of a map it takes reshapes too."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """One; over the last dimension of a map a product of matrices, and its reshapes.

        With a bias and an input in the order of its sizes that is added on the way, else afterwards: in place, but to
        another value while a dispatch mode watches.
        """
        (source,) = execution.inputs
        one = one_operator(runtime, execution)._replace(weight_for_input=True, weight_is_view=True)
        if len(execution.output) == 1:
            return (one,)
        rows = prod(source.sizes[:-1])
        product = contiguous((rows, self.out_features))
        flat = reshape(source, (rows, source.sizes[-1]))
        last = contiguous(execution.sizes)
        if self.bias and source.is_contiguous:
            return (flat, one._replace(value=product, reads=(0,)), view(last, (1,)))
        weight, *bias = one.learns
        steps = [
            flat._replace(until=2),
            one._replace(value=product, reads=(0,), learns=(weight,)),
            Operator(last, (1,), "alias", SHARES._replace(gradient="reshape")),
        ]
        if bias:
            holding: Holding = "new" if execution.run.watched else "inplace"
            steps.append(Operator(last, (2,), holding, SHARES, learns=tuple(bias), owns_weight=False))
        return tuple(steps)
