"""Vectors of length one."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role
from archlab.layers.dims import dim_index, mixing
from archlab.layers.geometry import AxisReads
from archlab.layers.operators import Operator
from archlab.layers.room import KEEPS_INPUT, Room
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape, require_map
from archlab.layers.tape import Tape


class Normalize(Layer):
    """The channels of each position, or the values along `dim`, divided by the root of their squares' sum.

    `torch.nn.functional.normalize`.
    SSD's L2Norm is this and a `layer_scale` of 20. FLOPs: 3 per element (the square, its addition, the division)
    and 2 per position (the root, the comparison with eps).
    """

    type: ClassVar[str] = "normalize"
    alias: ClassVar[str] = "norm"
    role: ClassVar[Role] = "norm"
    attachments: ClassVar[tuple[str, ...]] = ("activation",)
    runs: ClassVar[Runtime] = Runtime(autocast="float32 result")

    dim: int = Field(1, description="The dimension whose values are a vector: 1, the channels of a map.")
    eps: float = Field(1e-12, ge=0, allow_inf_nan=False, description="The least that is divided by.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes) or (C,), unchanged; along another dimension anything."""
        if len(inputs[0]) > 1 and self.dim == 1:
            require_map(self.type, inputs[0])
        self._index(inputs[0])
        return inputs[0]

    def _index(self, shape: Shape) -> int:
        return dim_index(self.type, self.dim, shape)

    def torch_arguments(self) -> dict[str, Any]:
        """`dim` only where it is not the channels'."""
        return {"eps": self.eps} if self.dim == 1 else {"dim": self.dim, "eps": self.eps}

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """The whole of the axes that the dimension holds."""
        return (mixing(output, (self._index(output),)),)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Squares, their sum, the division; the root and the comparison."""
        return Cost(elementwise=3 * prod(output) + 2 * prod(output) // output[self._index(output)])

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Made of several operators."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """The norm, eps if that is more, the same stretched, the quotient."""
        tape = Tape(execution)
        norm = tape.norm((self._index(execution.output) + 1,))
        positions = tape.value(norm).elements
        length = tape.map(KEEPS_INPUT._replace(backward=Room(fixed_bytes=positions)), norm)
        tape.quotient(-1, tape.expanded(execution.sizes, length))
        return tape.ended(length)
