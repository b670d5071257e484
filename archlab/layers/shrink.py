"""Soft and hard thresholds, and what softens them."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from archlab.layers.activation import Activation, InplaceActivation
from archlab.layers.fields import Finite
from archlab.layers.operators import FIRST, Operator, quotient, whole
from archlab.layers.room import KEEPS_INPUT, KEEPS_OUTPUT, SHARES
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape
from archlab.layers.strides import iterated


class Tanhshrink(Activation):
    """x - tanh(x). FLOPs: 2."""

    type: ClassVar[str] = "tanhshrink"
    alias: ClassVar[str] = "tanhshrink"
    torch_class: ClassVar[str] = "Tanhshrink"
    flops_per_element: ClassVar[int] = 2

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Made of two operators."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """The hyperbolic tangent, and the difference."""
        value = iterated(execution.sizes, execution.inputs)
        difference = Operator(value, (FIRST, 0), gradients=("shared", "new"))
        return (Operator(value, training=KEEPS_OUTPUT), difference)


class Softplus(Activation):
    """log(1 + exp(beta * x)) / beta, linear above the threshold. FLOPs: 6."""

    type: ClassVar[str] = "softplus"
    alias: ClassVar[str] = "softplus"
    torch_class: ClassVar[str] = "Softplus"
    flops_per_element: ClassVar[int] = 6
    runs: ClassVar[Runtime] = Runtime(autocast="float32")

    beta: Finite = Field(1.0, description="Sharpness.")
    threshold: Finite = Field(20.0, description="Linear where beta * x is above this.")


class Softsign(Activation):
    """x / (1 + |x|). FLOPs: 3."""

    type: ClassVar[str] = "softsign"
    alias: ClassVar[str] = "softsign"
    torch_class: ClassVar[str] = "Softsign"
    flops_per_element: ClassVar[int] = 3

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Made of three operators."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """The absolute value, plus one, and the quotient."""
        value = iterated(execution.sizes, execution.inputs)
        sign = KEEPS_INPUT._replace(backward=whole(value.elements))
        return (Operator(value, training=sign), Operator(value, (0,), training=SHARES), quotient(value, (FIRST, 1)))


class Softshrink(Activation):
    """x moved towards zero by lambd, zero in between. FLOPs: 3."""

    type: ClassVar[str] = "softshrink"
    alias: ClassVar[str] = "softshrink"
    torch_class: ClassVar[str] = "Softshrink"
    flops_per_element: ClassVar[int] = 3

    lambd: float = Field(0.5, ge=0, allow_inf_nan=False, description="Half-width of the zero band.")


class Hardshrink(Activation):
    """x, or zero between -lambd and lambd. FLOPs: 2."""

    type: ClassVar[str] = "hardshrink"
    alias: ClassVar[str] = "hardshrink"
    torch_class: ClassVar[str] = "Hardshrink"
    flops_per_element: ClassVar[int] = 2

    lambd: Finite = Field(0.5, description="Half-width of the zero band.")


class Threshold(InplaceActivation):
    """x if x > threshold else value. FLOPs: 1."""

    type: ClassVar[str] = "threshold"
    runs: ClassVar[Runtime] = Runtime(gradient_layout="kept")
    alias: ClassVar[str] = "threshold"
    torch_class: ClassVar[str] = "Threshold"

    threshold: Finite = Field(description="Where to switch.")
    value: Finite = Field(description="What to give below.")
