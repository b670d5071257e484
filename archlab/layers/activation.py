"""The activation functions of `torch.nn`.

FLOPs per element are stated per class, by one rule: each addition, subtraction, multiplication, division,
comparison, minimum or maximum counts one, and so does each elementary function (exp, log, tanh, erf).
"""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role
from archlab.layers.room import KEEPS_OUTPUT, Room, Training
from archlab.layers.runtime import Runtime
from archlab.layers.shape import Shape


class Activation(Layer):
    """An elementwise function; the shape does not change."""

    role: ClassVar[Role] = "activation"
    flops_per_element: ClassVar[int] = 1
    is_elementwise: ClassVar[bool] = True
    """Whether each value of the output is made of the one value at its place."""

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """`flops_per_element` for each element."""
        return Cost(elementwise=self.flops_per_element * prod(inputs[0]))


class InplaceActivation(Activation):
    """An activation with PyTorch's `inplace` flag."""

    derives_in_place: ClassVar[bool] = False
    """Whether PyTorch has another derivative for the in-place form, which is a function of the output."""

    inplace: bool = Field(default=False, description="Overwrite the input instead of taking new memory.")

    @property
    def is_reversible(self) -> bool:
        """Whether PyTorch's backward pass can do without the input, where that is overwritten."""
        return True

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """In place it keeps its output, or a copy of the input that it overwrites."""
        runtime = self.runs
        if not self.inplace:
            return runtime
        training = runtime.training
        if not training.output:
            copy = Training(inputs=(), kept=Room(elements=prod(output)), kept_only=True)
            training = KEEPS_OUTPUT if self.derives_in_place else copy
        return runtime._replace(
            storage="inplace",
            training_storage="inplace",
            overwrites=True,
            is_reversible=self.is_reversible,
            training=training,
        )
