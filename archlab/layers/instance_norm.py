"""Normalisation of each channel by itself."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost
from archlab.layers.batch_norm import BatchNormNd
from archlab.layers.geometry import AxisReads, in_context, pointwise
from archlab.layers.norm import FLOAT_BYTES, STATISTICS_FLOPS
from archlab.layers.operators import (
    FIRST,
    Operator,
    copy_in_order,
    view,
)
from archlab.layers.room import NOTHING, Room, Training
from archlab.layers.runtime import Execution, Refused, Runtime
from archlab.layers.shape import Shape, ShapeError, axis_count, require_map, shape_text
from archlab.layers.strides import contiguous


class InstanceNormNd(BatchNormNd):
    """Instance normalisation of maps of `rank` axes."""

    alias: ClassVar[str] = "norm"
    runs: ClassVar[Runtime] = Runtime(autocast_doubt="is a GPU's; a CPU took up to 4% less of small networks")

    momentum: float = Field(0.1, ge=0, le=1, description="Weight of a new batch in the running statistics.")
    affine: bool = Field(default=False, description="Learn a scale and a shift per channel.")
    track_running_stats: bool = Field(default=False, description="Keep statistics for eval mode.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes), unchanged."""
        require_map(self.type, inputs[0], self.rank)
        (shape,) = inputs
        if prod(shape[1:]) == 1 and not self.track_running_stats:
            raise ShapeError(
                f"{self.type}: each channel of {shape_text(shape)} is a single value, and its mean is itself",
                hint="put it in front of the pooling, or use group_norm",
            )
        return shape

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Statistics, normalisation, scale and shift."""
        if self.track_running_stats:
            return super().cost(inputs, output)
        learned = sum(tensor.learnable for tensor in self.tensors(inputs))
        return Cost(elementwise=(STATISTICS_FLOPS + learned) * prod(output))

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Position by position; the statistics see the whole map, where they are the sample's own."""
        rank = axis_count(output)
        return (pointwise(rank) if self.track_running_stats else in_context(rank),)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Made of several operators."""
        return self.runs._replace(operators=self._operators, refusals=self._refusals(output))

    def _refusals(self, shape: Shape) -> tuple[Refused, ...]:
        """A single position, where the sample's own statistics are taken: in training always."""
        if prod(shape[1:]) > 1:
            return ()
        reason = f"gets one position per channel, {shape_text(shape)}; put it in front of the pooling"
        return (Refused(reason, in_eval=not self.track_running_stats),)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """Parameters and running statistics repeated for each sample, and a batch norm of all channels as one sample's.

        The input is copied first where it does not lie in the order of its sizes.
        """
        (source,) = execution.inputs
        batch, channels = source.sizes[:2]
        repeated, flat = contiguous((batch * channels,)), contiguous((1, batch * channels, *source.sizes[2:]))
        learned = [tensor.learnable for tensor in self.tensors(execution.shapes) if tensor.shape == (channels,)]
        last = len(learned) + 2 + (not source.is_contiguous)
        repeats = Training(inputs=(), gradient="new")
        steps = [
            Operator(repeated, (), training=repeats, learns=(channels,) * is_learned, computes="params", until=last)
            for is_learned in learned
        ]
        read = FIRST
        if not source.is_contiguous:
            read = len(steps)
            steps.append(copy_in_order(source)._replace(until=last))
        steps.append(view(flat, (read,)))
        uses_own = execution.run.training or not self.track_running_stats
        own = Room(fixed_bytes=2 * FLOAT_BYTES * batch * channels) if uses_own else NOTHING
        shift = 1 if self.affine and self.bias else None  # the second of the repeated; no derivative needs it
        kept = (0, *[1 + number for number in range(len(learned)) if number != shift])
        reads = (len(steps) - 1, *range(len(learned)))
        training = Training(inputs=kept, kept=own)
        steps.append(Operator(flat, reads, training=training, layout="output", computes="first", scratch=own))
        return (*steps, view(contiguous(source.sizes), (len(steps) - 1,)))


class InstanceNorm2d(InstanceNormNd):
    """Instance normalisation (Ulyanov et al. 2016): each channel of each sample by itself.

    FLOPs per element: 5, and 1 each for scale and shift; 2 where running statistics replace the sample's in eval mode.
    The receptive field stays as it is; that the statistics see the whole map is told as context.
    """

    type: ClassVar[str] = "instance_norm2d"
    torch_class: ClassVar[str] = "InstanceNorm2d"
    rank: ClassVar[int] = 2
