"""Vectors of length one."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role
from archlab.layers.operators import Operator
from archlab.layers.room import KEEPS_INPUT, Room
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape, require_map
from archlab.layers.tape import Tape


class Normalize(Layer):
    """The channels of each position divided by the root of their squares' sum: `torch.nn.functional.normalize`.

    SSD's L2Norm is this and a `layer_scale` of 20. FLOPs: 3 per element (the square, its addition, the division)
    and 2 per position (the root, the comparison with eps).
    """

    type: ClassVar[str] = "normalize"
    alias: ClassVar[str] = "norm"
    role: ClassVar[Role] = "norm"
    attachments: ClassVar[tuple[str, ...]] = ("activation",)
    runs: ClassVar[Runtime] = Runtime(autocast="float32 result")

    eps: float = Field(1e-12, ge=0, allow_inf_nan=False, description="The least that is divided by.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes) or (C,), unchanged."""
        if len(inputs[0]) > 1:
            require_map(self.type, inputs[0])
        return inputs[0]

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Squares, their sum, the division; the root and the comparison."""
        return Cost(elementwise=3 * prod(output) + 2 * prod(output[1:]))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Made of several operators."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """The norm, eps if that is more, the same stretched, the quotient."""
        tape = Tape(execution)
        norm = tape.norm((1,))
        positions = tape.value(norm).elements
        length = tape.map(KEEPS_INPUT._replace(backward=Room(fixed_bytes=positions)), norm)
        tape.quotient(-1, tape.expanded(execution.sizes, length))
        return tape.ended(length)
