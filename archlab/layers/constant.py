"""Functions of each element with constants: factors, shifts, powers, sizes, exponentials and logarithms."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer
from archlab.layers.fields import Finite
from archlab.layers.operators import Operator, power, whole
from archlab.layers.room import KEEPS_INPUT, KEEPS_NOTHING, KEEPS_OUTPUT, SHARES
from archlab.layers.runtime import Execution, Runtime, one_operator
from archlab.layers.shape import Shape, ShapeError


class Constant(Layer):
    """An operation with a constant on each element; the shape does not change. FLOPs: 1 per element."""

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """One operation per element."""
        return Cost(elementwise=prod(output))


class Scale(Constant):
    """The input times a constant, as Inception-ResNet scales its residuals by 0.17. FLOPs: 1 per element."""

    type: ClassVar[str] = "scale"
    alias: ClassVar[str] = "scale"
    runs: ClassVar[Runtime] = Runtime(training=KEEPS_NOTHING)

    factor: Finite = Field(description="The constant.")


class Shift(Constant):
    """The input plus a constant. FLOPs: 1 per element."""

    type: ClassVar[str] = "shift"
    alias: ClassVar[str] = "shift"
    runs: ClassVar[Runtime] = Runtime(training=SHARES)

    value: Finite = Field(description="The constant.")


class _Power(Constant):
    """What powers share."""

    runs: ClassVar[Runtime] = Runtime(autocast="float32")

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The input is kept."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """One, whose derivative is a power again."""
        one = one_operator(runtime, execution)
        return (one._replace(training=power(one.value)) if execution.run.training else one,)


class Pow(_Power):
    """The input to a constant power (`torch.pow`). FLOPs: 1 per element."""

    type: ClassVar[str] = "pow"
    alias: ClassVar[str] = "pow"

    exponent: Finite = Field(description="The power.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged."""
        if self.exponent == 0:
            raise ShapeError("pow: everything to the power of 0 is 1, which learns nothing", option="exponent")
        return inputs[0]


class Square(_Power):
    """The input times itself (`torch.square`). FLOPs: 1 per element."""

    type: ClassVar[str] = "square"
    alias: ClassVar[str] = "square"


class Abs(Constant):
    """The input without its sign (`torch.abs`). FLOPs: 1 per element."""

    type: ClassVar[str] = "abs"
    alias: ClassVar[str] = "abs"

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The input is kept, whose signs multiply the gradient."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        one = one_operator(runtime, execution)
        signs = KEEPS_INPUT._replace(backward=whole(one.value.elements))
        return (one._replace(training=signs) if execution.run.training else one,)


class Exp(Constant):
    """The exponential function of each element (`torch.exp`). FLOPs: 1 per element."""

    type: ClassVar[str] = "exp"
    alias: ClassVar[str] = "exp"
    runs: ClassVar[Runtime] = Runtime(training=KEEPS_OUTPUT, autocast="float32")


class Log(Constant):
    """The natural logarithm of each element (`torch.log`). FLOPs: 1 per element."""

    type: ClassVar[str] = "log"
    alias: ClassVar[str] = "log"
    runs: ClassVar[Runtime] = Runtime(autocast="float32")
