"""Normalisation by a channel's mean square, with a learned threshold."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role, TensorSpec
from archlab.layers.geometry import AxisReads, in_context
from archlab.layers.operators import Operator
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape, require_map
from archlab.layers.tape import Tape


class FilterResponseNorm2d(Layer):
    """Filter response normalisation (Singh & Krishnan 2020): each channel of each sample by its root mean square.

    Then scale and shift, and the thresholded linear unit (TLU): the largest of that and a learned threshold per
    channel. timm's `FilterResponseNormTlu2d`. FLOPs: 5 per element (the square, its addition, the product, scale,
    shift), 1 more for the threshold, and 3 per channel (the division, eps, the inverse root). The receptive field
    stays as it is; that the statistics see the whole map is told as context.
    """

    type: ClassVar[str] = "filter_response_norm2d"
    alias: ClassVar[str] = "frn"
    torch_class: ClassVar[str] = "archlab.torch.modules.FilterResponseNorm2d"
    role: ClassVar[Role] = "norm"
    attachments: ClassVar[tuple[str, ...]] = ("activation",)
    runs: ClassVar[Runtime] = Runtime(autocast="parameters")

    apply_tlu: bool = Field(default=True, description="Take the largest of the result and a learned threshold.")
    eps: float = Field(1e-5, ge=0, allow_inf_nan=False, description="Added to the mean of squares.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W), unchanged."""
        require_map(self.type, inputs[0], 2)
        return inputs[0]

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """num_features."""
        return {"num_features": inputs[0][0]}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight, bias, tau: (C,)."""
        names = ("weight", "bias", "tau") if self.apply_tlu else ("weight", "bias")
        return tuple([TensorSpec(name, inputs[0][:1]) for name in names])

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Squares, their sum, the product, scale, shift, the threshold; three operations per channel."""
        return Cost(elementwise=(5 + self.apply_tlu) * prod(output) + 3 * output[0])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Position by position; the statistics see the whole map."""
        return (in_context(2),)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Made of several operators."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """The squares, their mean, plus eps, the inverse root; the product; scale and shift; the threshold."""
        tape, channels = Tape(execution), execution.output[0]
        inverse = tape.rsqrt(tape.constant(tape.mean((2, 3), tape.power())))
        normal = tape.product(-1, inverse)
        moved = tape.shifted(channels, tape.scaled(channels, normal))
        # a name for the normalised map until the sum has it
        tape.operators[normal] = tape.operators[normal]._replace(until=moved)
        if self.apply_tlu:
            tape.clipped(channels, moved)
        return tape.ended()
