"""Normalisation by how strong a channel is beside the others."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role, TensorSpec
from archlab.layers.geometry import AxisReads, in_context
from archlab.layers.laid import ChannelsLast
from archlab.layers.norm import affine_tensors
from archlab.layers.operators import Operator, whole
from archlab.layers.room import SHARES, Training
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
        tape.sum(-1, _moved(tape, product, execution.sizes[channels]))
        return tape.ended(norm, relative)


def _moved(tape: Tape, product: int, channels: int) -> int:
    """Scaled and shifted by one operator."""
    value = tape.value(product)
    sums = summed(value, channels)
    one = Operator(source_like(value), (product,), training=Training(inputs=(0,)), learns=(channels, channels))
    if sums:  # a map on the way to the scale's gradient
        return tape.put(one._replace(sums=sums, unwanted="dropped"))
    # where nothing is summed up, the shift's gradient is a view of the value's, as of an operator of its own
    room = Training(inputs=(0,), backward=whole(channels))
    scaled = tape.put(one._replace(learns=(channels,), training=room))
    return tape.put(Operator(value, (scaled,), "inplace", SHARES, learns=(channels,), learned="view"))
