"""Normalisation by the root mean square."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role, TensorSpec
from archlab.layers.laid import roles_of
from archlab.layers.norm import affine_tensors
from archlab.layers.operators import Operator, copy_in_order
from archlab.layers.room import SHARES
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape, ShapeError, require_map, shape_text
from archlab.layers.tape import Tape


class RMSNorm(Layer):
    """Root mean square normalisation (Zhang & Sennrich 2019) over the last dimension.

    That is features, or the channels of a channels-last map. FLOPs: 3 per element (the square, its addition, the
    product), 3 per position (the division, eps, the inverse root), and 1 per element for the scale.
    """

    type: ClassVar[str] = "rms_norm"
    alias: ClassVar[str] = "norm"
    torch_class: ClassVar[str] = "RMSNorm"
    role: ClassVar[Role] = "norm"
    attachments: ClassVar[tuple[str, ...]] = ("activation",)
    runs: ClassVar[Runtime] = Runtime(autocast="parameters")

    eps: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Added to the mean; null for the dtype's smallest step."
    )
    elementwise_affine: bool = Field(default=True, description="Learn a scale per channel.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(features,), (*axes, C) or (tokens, C), unchanged."""
        (shape,) = inputs
        if roles_of(shape)[-1]:
            raise ShapeError(
                f"rms_norm normalises over the last dimension, but its input {shape_text(shape)} has channels first",
                hint="use rms_norm2d, or put {type: channels_last} in front of it",
            )
        return shape

    def _channels(self, shape: Shape) -> int:
        return shape[-1]

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """normalized_shape."""
        return {"normalized_shape": self._channels(inputs[0])}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight: (C,)."""
        return affine_tensors(self._channels(inputs[0]), weight=self.elementwise_affine, bias=False)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Squares, their sums, the product; three operations per position; the scale."""
        elements = prod(output)
        positions = elements // self._channels(output)
        return Cost(elementwise=(3 + self.elementwise_affine) * elements + 3 * positions)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Made of several operators, on a CPU."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """The squares, their mean, eps added in place, the inverse root; the product; times the scale."""
        tape = Tape(execution)
        last = len(execution.inputs[0].sizes) - 1
        squares = tape.power()
        mean = tape.mean((last,), squares)
        inverse = tape.rsqrt(tape.put(Operator(tape.value(mean), (mean,), "inplace", SHARES)))
        for temporary in (squares, mean):  # of one expression
            tape.operators[temporary] = tape.operators[temporary]._replace(until=inverse)
        product = tape.product(-1, inverse)
        if self.elementwise_affine:
            tape.scaled(execution.inputs[0].sizes[last], product, as_written=True)
        end = len(tape.operators) - 1
        if not tape.value(end).is_contiguous:
            tape.put(copy_in_order(tape.value(end), end))
        return tape.ended(inverse)


class RMSNorm2d(RMSNorm):
    """Root mean square normalisation over the channels of a map, position by position (timm's `RmsNorm2d`).

    FLOPs: 3 per element (the square, its addition, the product), 3 per position (the division, eps, the inverse
    root), and 1 per element for the scale.
    """

    type: ClassVar[str] = "rms_norm2d"
    torch_class: ClassVar[str] = "archlab.torch.modules.RMSNorm2d"

    eps: float = Field(1e-6, ge=0, allow_inf_nan=False, description="Added to the mean of squares.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W), unchanged."""
        require_map(self.type, inputs[0], 2)
        return inputs[0]

    def _channels(self, shape: Shape) -> int:
        return shape[0]

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """num_channels."""
        return {"num_channels": inputs[0][0]}

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """The squares, their mean, plus eps, the inverse root; the product; times the scale."""
        tape = Tape(execution)
        mean = tape.mean((1,), tape.power())
        product = tape.product(-1, tape.rsqrt(tape.constant(mean)))
        if self.elementwise_affine:
            tape.scaled(execution.output[0], product)
        return tape.ended(mean)
