"""Norm and activation in one, as an evolution found them."""

from __future__ import annotations

from math import gcd, prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role, TensorSpec
from archlab.layers.fields import Positive
from archlab.layers.geometry import AxisReads, in_context, pointwise
from archlab.layers.operators import Operator, whole
from archlab.layers.room import KEEPS_NOTHING
from archlab.layers.runtime import Execution, Refused, Runtime
from archlab.layers.shape import Shape, ShapeError, require_map, shape_text
from archlab.layers.strides import contiguous
from archlab.layers.tape import Tape

_VARIANCE_FLOPS = 4
"""Per element: the mean's addition, the deviation, its square and their addition."""


class EvoNorm2d(Layer):
    """What the two share: scale, shift and the factor v of each channel."""

    alias: ClassVar[str] = "norm"
    role: ClassVar[Role] = "norm"
    attachments: ClassVar[tuple[str, ...]] = ("activation",)
    runs: ClassVar[Runtime] = Runtime(autocast="parameters")

    apply_act: bool = Field(default=True, description="false: a scale and a shift are all.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W), unchanged."""
        require_map(self.type, inputs[0], 2)
        return inputs[0]

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """num_features."""
        return {"num_features": inputs[0][0]}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight, bias, v: (C,)."""
        names = ("weight", "bias", "v") if self.apply_act else ("weight", "bias")
        return tuple([TensorSpec(name, inputs[0][:1]) for name in names])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Position by position; the sample's statistics see the whole map."""
        return (in_context(2) if self.apply_act else pointwise(2),)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Made of several operators."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """What is normalised, which has a name until it is scaled and shifted."""
        tape, channels = Tape(execution), execution.output[0]
        normal = self._normalised(tape, execution) if self.apply_act else -1
        moved = tape.shifted(channels, tape.scaled(channels, normal))
        if normal >= 0:
            tape.operators[normal] = tape.operators[normal]._replace(until=moved)
        return tape.ended(*self._named(execution) if self.apply_act else ())

    def _normalised(self, tape: Tape, execution: Execution) -> int:
        """What is scaled and shifted."""
        raise NotImplementedError

    def _named(self, execution: Execution) -> tuple[int, ...]:
        """The operators whose values have a name until the end."""
        raise NotImplementedError


class EvoNorm2dS0(EvoNorm2d):
    """EvoNorm-S0 (Liu et al. 2020): x * sigmoid(v * x) by the deviation of its group of channels, then scale and shift.

    timm's `EvoNorm2dS0`. FLOPs per element: 13 (4 for the variance; v, a sigmoid of 4, the product, the division;
    scale and shift), and 3 per group (the division, eps, the root); 2 per element without the activation. The receptive
    field stays as it is; that the statistics see the whole map is told as context.
    """

    type: ClassVar[str] = "evo_norm2d_s0"
    torch_class: ClassVar[str] = "archlab.torch.modules.EvoNorm2dS0"

    groups: Positive = Field(32, description="Groups of channels that share a deviation; must divide them.")
    eps: float = Field(1e-5, ge=0, allow_inf_nan=False, description="Added to the variance.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W), unchanged."""
        (shape,) = inputs
        require_map(self.type, shape, 2)
        if self.apply_act and shape[0] % self.groups:
            common = gcd(shape[0], self.groups)
            raise ShapeError(
                f"{self.type}: groups={self.groups} does not divide the {shape[0]} channels",
                option="groups",
                hint=f"{common} does" if common > 1 else None,
            )
        return shape

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Variance, gate, division, scale and shift."""
        if not self.apply_act:
            return Cost(elementwise=2 * prod(output))
        return Cost(elementwise=(_VARIANCE_FLOPS + 9) * prod(output) + 3 * self.groups)

    def _normalised(self, tape: Tape, execution: Execution) -> int:
        """The deviations of groups, stretched to the map; the gate, its product with the map, the quotient."""
        batch, channels, *axes = execution.sizes
        grouped = tape.reshaped((batch, self.groups, channels // self.groups, *axes))
        sizes = tape.value(grouped).sizes
        root = tape.sqrt(tape.constant(tape.variance((2, 3, 4), grouped)))
        deviation = tape.reshaped(execution.sizes, tape.expanded(sizes, root))
        gate = tape.sigmoid(tape.scaled(channels))
        return tape.quotient(tape.product(-1, gate), deviation)

    def _named(self, execution: Execution) -> tuple[int, ...]:
        """The map in groups, and the deviations of each element."""
        return (0, 5)


class EvoNorm2dB0(EvoNorm2d):
    """EvoNorm-B0 (Liu et al. 2020): x by the larger of the batch's deviation and v * x plus the sample's own.

    Then scale and shift. timm's `EvoNorm2dB0`. FLOPs per element: 10 (4 for the sample's variance; v, the sum, the
    maximum, the division; scale and shift) and 5 per channel (the division, eps and root; eps and root of the running
    variance, which eval mode has); 2 per element without the activation. The receptive field stays as it is; that the
    statistics see the whole map is told as context.
    """

    type: ClassVar[str] = "evo_norm2d_b0"
    torch_class: ClassVar[str] = "archlab.torch.modules.EvoNorm2dB0"

    momentum: float = Field(0.1, ge=0, le=1, description="Weight of a new batch in the running variance.")
    eps: float = Field(1e-3, ge=0, allow_inf_nan=False, description="Added to the variances.")

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight, bias, v: (C,), learnable; running_var: (C,), a buffer."""
        return (*super().tensors(inputs), TensorSpec("running_var", inputs[0][:1], learnable=False))

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Variance, sum, maximum, division, scale and shift."""
        if not self.apply_act:
            return Cost(elementwise=2 * prod(output))
        return Cost(elementwise=(_VARIANCE_FLOPS + 6) * prod(output) + 5 * output[0])

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The batch's variance of a single value is none."""
        runtime = super().runtime(inputs, output)
        if not self.apply_act or prod(output[1:]) > 1:
            return runtime
        return runtime._replace(refusals=(Refused(f"gets one value per channel, {shape_text(output)} at batch 1", 2),))

    def _normalised(self, tape: Tape, execution: Execution) -> int:
        """The batch's deviation, or the running one; the sample's; the larger; the quotient."""
        channels = execution.output[0]
        if execution.run.training:
            variance = tape.variance((0, 2, 3))
            further = KEEPS_NOTHING._replace(forward=whole(2 * channels))
            tape.put(Operator(contiguous((channels,)), (), training=further))
            left = tape.sqrt(tape.constant(variance), inplace=True)
        else:
            running = Operator(contiguous((1, channels, 1, 1)), (), training=KEEPS_NOTHING)
            left = tape.sqrt(tape.put(running), inplace=True)
        own = tape.sqrt(tape.constant(tape.variance((2, 3))))
        larger = tape.maximum(tape.sum(tape.scaled(channels), own), left)
        return tape.quotient(-1, larger)

    def _named(self, execution: Execution) -> tuple[int, ...]:
        """The batch's variance and what is new in the running one, both roots."""
        return (0, 1, 3, 6) if execution.run.training else (1, 4)
