"""Normalisation by how strong a channel is beside the others."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role, TensorSpec
from archlab.layers.geometry import AxisReads, in_context
from archlab.layers.laid import ChannelsLast
from archlab.layers.norm import affine_tensors
from archlab.layers.operators import Operator
from archlab.layers.room import Training
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape, axis_count, channels_of, require_map
from archlab.layers.tape import Tape, source_like, summed


class GlobalResponseNorm(Layer):
    """Global response normalisation (Woo et al. 2023, ConvNeXt V2), for a map with its channels first or last.

    Each channel's norm over the map, by the mean of all channels', scales it; then scale and shift, and the map is
    added. timm's `GlobalResponseNorm`. FLOPs: 6 per element (the square, its addition; the product, scale, shift,
    sum) and 3 per channel (the root, the mean's addition, the division). The receptive field stays as it is; that
    the norms see the whole map is told as context.
    """

    type: ClassVar[str] = "global_response_norm"
    alias: ClassVar[str] = "grn"
    torch_class: ClassVar[str] = "archlab.torch.modules.GlobalResponseNorm"
    role: ClassVar[Role] = "norm"
    attachments: ClassVar[tuple[str, ...]] = ("activation",)
    runs: ClassVar[Runtime] = Runtime(autocast="parameters")

    eps: float = Field(1e-6, ge=0, allow_inf_nan=False, description="Added to the mean of the channels' norms.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes) or (*axes, C), unchanged."""
        if not isinstance(inputs[0], ChannelsLast):
            require_map(self.type, inputs[0])
        return inputs[0]

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, Any]:
        """num_channels, and channels_last where they are."""
        (shape,) = inputs
        last = {"channels_last": True} if isinstance(shape, ChannelsLast) else {}
        return {"num_channels": channels_of(shape), **last}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight, bias: (C,)."""
        return affine_tensors(channels_of(inputs[0]), weight=True, bias=True)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Norms, their mean, the division; the product, scale, shift and sum."""
        return Cost(elementwise=6 * prod(output) + 3 * channels_of(output))

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Position by position; the norms see the whole map."""
        return (in_context(axis_count(output)),)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Made of several operators."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """The norms, their mean plus eps, the quotient; the product, its scale and shift at once, the sum."""
        tape = Tape(execution)
        rank = len(execution.sizes)
        last = isinstance(execution.output, ChannelsLast)
        axes, channels = (tuple(range(1, rank - 1)), rank - 1) if last else (tuple(range(2, rank)), 1)
        norm = tape.norm(axes)
        relative = tape.quotient(norm, tape.constant(tape.mean((channels,), norm)))
        product = tape.product(-1, relative)
        count = execution.sizes[channels]
        value = tape.value(product)
        moved = tape.put(
            Operator(
                source_like(value),
                (product,),
                training=Training(inputs=(0,)),
                learns=(count, count),
                sums=summed(value, count),
                unwanted="dropped",  # a map on the way to the scale's gradient
            )
        )
        tape.sum(-1, moved)
        return tape.ended(norm, relative)
