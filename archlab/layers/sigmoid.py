"""Functions that saturate: sigmoid, tanh and their piecewise forms."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.activation import Activation, InplaceActivation
from archlab.layers.fields import Finite
from archlab.layers.room import KEEPS_OUTPUT, Room, Training
from archlab.layers.runtime import Runtime
from archlab.layers.shape import Shape, ShapeError


class Hardsigmoid(InplaceActivation):
    """min(max(0, x + 3), 6) / 6. FLOPs: 4."""

    type: ClassVar[str] = "hardsigmoid"
    alias: ClassVar[str] = "hardsigmoid"
    torch_class: ClassVar[str] = "Hardsigmoid"
    flops_per_element: ClassVar[int] = 4


class Hardtanh(InplaceActivation):
    """min(max(min_val, x), max_val). FLOPs: 2."""

    type: ClassVar[str] = "hardtanh"
    runs: ClassVar[Runtime] = Runtime(layout="like")
    alias: ClassVar[str] = "hardtanh"
    torch_class: ClassVar[str] = "Hardtanh"
    flops_per_element: ClassVar[int] = 2

    min_val: Finite = Field(-1.0, description="Lower bound.")
    max_val: Finite = Field(1.0, description="Upper bound, above min_val.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged; the bounds must be in order."""
        if self.max_val <= self.min_val:
            raise ShapeError(f"hardtanh: max_val={self.max_val} must be above min_val={self.min_val}", option="max_val")
        return inputs[0]


class Sigmoid(Activation):
    """1 / (1 + exp(-x)). FLOPs: 4."""

    type: ClassVar[str] = "sigmoid"
    alias: ClassVar[str] = "sigmoid"
    torch_class: ClassVar[str] = "Sigmoid"
    flops_per_element: ClassVar[int] = 4
    runs: ClassVar[Runtime] = Runtime(training=KEEPS_OUTPUT)


class LogSigmoid(Activation):
    """log(sigmoid(x)). FLOPs: 5."""

    type: ClassVar[str] = "log_sigmoid"
    runs: ClassVar[Runtime] = Runtime(layout="shape")
    alias: ClassVar[str] = "log_sigmoid"
    torch_class: ClassVar[str] = "LogSigmoid"
    flops_per_element: ClassVar[int] = 5

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """exp(-|x|) is made, and kept beside the input."""
        made = Room(elements=prod(output))
        return self.runs._replace(workspace=made, training=Training(kept=made))


class Tanh(Activation):
    """Hyperbolic tangent. FLOPs: 1."""

    type: ClassVar[str] = "tanh"
    alias: ClassVar[str] = "tanh"
    torch_class: ClassVar[str] = "Tanh"
    runs: ClassVar[Runtime] = Runtime(training=KEEPS_OUTPUT)
