"""Rectifiers with another branch below zero."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.activation import Activation, InplaceActivation
from archlab.layers.base import TensorSpec
from archlab.layers.fields import Finite, Positive
from archlab.layers.room import Room
from archlab.layers.runtime import Operand, Runtime
from archlab.layers.shape import Shape, ShapeError


class LeakyReLU(InplaceActivation):
    """x if x > 0 else negative_slope * x. FLOPs: 2."""

    type: ClassVar[str] = "leaky_relu"
    runs: ClassVar[Runtime] = Runtime(gradient_layout="kept")
    alias: ClassVar[str] = "relu"
    torch_class: ClassVar[str] = "LeakyReLU"
    flops_per_element: ClassVar[int] = 2
    derives_in_place: ClassVar[bool] = True

    negative_slope: Finite = Field(0.01, description="Slope below zero.")

    @property
    def is_reversible(self) -> bool:
        """The sign of the output must be that of the input."""
        return self.negative_slope >= 0


class RReLU(InplaceActivation):
    """Leaky ReLU with a random slope in training, the mean slope in eval mode. FLOPs: 2."""

    type: ClassVar[str] = "rrelu"
    runs: ClassVar[Runtime] = Runtime(layout="shape", gradient_layout="shape")
    alias: ClassVar[str] = "relu"
    torch_class: ClassVar[str] = "RReLU"
    flops_per_element: ClassVar[int] = 2
    derives_in_place: ClassVar[bool] = True

    lower: Finite = Field(1 / 8, description="Smallest slope.")
    upper: Finite = Field(1 / 3, description="Largest slope.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged; the slopes must be in order."""
        if self.upper < self.lower:
            raise ShapeError(f"rrelu: upper={self.upper} must be at least lower={self.lower}", option="upper")
        return inputs[0]

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The slopes are made in eval mode too, and kept."""
        runtime, slopes = super().runtime(inputs, output), Room(elements=prod(output))
        return runtime._replace(workspace=slopes, training=runtime.training._replace(kept=slopes))


class PReLU(Activation):
    """Leaky ReLU with learnable slopes (He et al. 2015). FLOPs: 2."""

    type: ClassVar[str] = "prelu"
    runs: ClassVar[Runtime] = Runtime(
        gradient_layout="kept", unwanted_gradients="dropped", sums_weight=True, autocast="lower"
    )
    alias: ClassVar[str] = "prelu"
    torch_class: ClassVar[str] = "PReLU"
    flops_per_element: ClassVar[int] = 2

    num_parameters: Positive = Field(1, description="Slopes: 1, or one per channel.")
    init: Finite = Field(0.25, description="Initial slope.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged; num_parameters is 1 or the number of channels."""
        if self.num_parameters not in {1, inputs[0][0]}:
            raise ShapeError(
                f"prelu: num_parameters={self.num_parameters} is neither 1 nor the {inputs[0][0]} channels",
                option="num_parameters",
            )
        return inputs[0]

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight: (num_parameters,)."""
        return (TensorSpec("weight", (self.num_parameters,)),)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The slopes lie along the channels; their gradient is a map before it is summed up."""
        return self.runs._replace(operand=Operand((1, self.num_parameters, *(1,) * (len(output) - 1))))


class ELU(InplaceActivation):
    """x if x > 0 else alpha * (exp(x) - 1). FLOPs: 4."""

    type: ClassVar[str] = "elu"
    alias: ClassVar[str] = "elu"
    torch_class: ClassVar[str] = "ELU"
    flops_per_element: ClassVar[int] = 4
    derives_in_place: ClassVar[bool] = True

    alpha: Finite = Field(1.0, description="Scale below zero.")

    @property
    def is_reversible(self) -> bool:
        """The sign of the output must be that of the input."""
        return self.alpha >= 0


class SELU(InplaceActivation):
    """Scaled ELU (Klambauer et al. 2017). FLOPs: 5."""

    type: ClassVar[str] = "selu"
    alias: ClassVar[str] = "selu"
    torch_class: ClassVar[str] = "SELU"
    flops_per_element: ClassVar[int] = 5
    derives_in_place: ClassVar[bool] = True


class CELU(InplaceActivation):
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1)). FLOPs: 7."""

    type: ClassVar[str] = "celu"
    alias: ClassVar[str] = "celu"
    torch_class: ClassVar[str] = "CELU"
    flops_per_element: ClassVar[int] = 7
    derives_in_place: ClassVar[bool] = True

    alpha: float = Field(1.0, allow_inf_nan=False, description="Scale below zero; not 0.")

    @property
    def is_reversible(self) -> bool:
        """The sign of the output must be that of the input."""
        return self.alpha > 0

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged; alpha is a divisor."""
        if self.alpha == 0:
            raise ShapeError("celu: alpha must not be 0, since it is divided by", option="alpha")
        return inputs[0]
