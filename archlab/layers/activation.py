"""The activation functions of `torch.nn`.

FLOPs per element are stated per class, by one rule: each addition, subtraction, multiplication, division,
comparison, minimum or maximum counts one, and so does each elementary function (exp, log, tanh, erf).
"""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role, Storage
from archlab.layers.room import KEEPS_INPUT, KEEPS_OUTPUT, Room, Training
from archlab.layers.shape import Shape


class Activation(Layer):
    """An elementwise function; the shape does not change."""

    role: ClassVar[Role] = "activation"
    flops_per_element: ClassVar[int] = 1
    derives_from_output: ClassVar[bool] = False
    """Whether PyTorch's derivative is a function of the output."""

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """`flops_per_element` for each element."""
        return Cost(elementwise=self.flops_per_element * prod(inputs[0]))

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """Its input or its output, whichever its derivative is written in."""
        return KEEPS_OUTPUT if self.derives_from_output else KEEPS_INPUT


class InplaceActivation(Activation):
    """An activation with PyTorch's `inplace` flag."""

    derives_in_place: ClassVar[bool] = False
    """Whether PyTorch has another derivative for the in-place form, which is a function of the output."""

    inplace: bool = Field(default=False, description="Overwrite the input instead of taking new memory.")

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """In place: its output, or a copy of the input that it overwrites."""
        if not self.inplace or self.derives_from_output:
            return super().training(inputs, output)
        if self.derives_in_place:
            return KEEPS_OUTPUT
        return Training(inputs=(), kept=Room(elements=prod(output)), kept_only=True)

    @property
    def storage(self) -> Storage:
        """The input's where it is overwritten."""
        return "inplace" if self.inplace else "new"

    @property
    def overwrites(self) -> bool:
        """Where `inplace`."""
        return self.inplace
