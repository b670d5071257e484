"""Normalisation over a batch."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role, TensorSpec
from archlab.layers.laid import Laid, roles_of
from archlab.layers.norm import FLOAT_BYTES
from archlab.layers.room import NOTHING, Room, Training
from archlab.layers.runtime import Refused, Runtime
from archlab.layers.shape import Shape, require_map, shape_text


class BatchNormNd(Layer):
    """Batch normalisation of maps of `rank` axes."""

    runs: ClassVar[Runtime] = Runtime(layout="format", gradient_layout="format")
    alias: ClassVar[str] = "bn"
    role: ClassVar[Role] = "norm"
    attachments: ClassVar[tuple[str, ...]] = ("activation",)

    eps: float = Field(1e-5, ge=0, allow_inf_nan=False, description="Added to the variance.")
    momentum: float | None = Field(
        0.1, ge=0, le=1, description="Weight of a new batch in the running statistics; null for a cumulative mean."
    )
    affine: bool = Field(default=True, description="Learn a scale and a shift per channel.")
    bias: bool = Field(default=True, description="Learn the shift, where affine.")
    track_running_stats: bool = Field(default=True, description="Keep the statistics that eval mode uses.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes) or (C, tokens), unchanged; (C,) too where there is one axis."""
        if isinstance(inputs[0], Laid) and len(inputs[0]) == self.rank + 1 and not roles_of(inputs[0])[0]:
            return inputs[0]  # tokens with their channels first
        if self.rank > 1 or len(inputs[0]) > 1:
            require_map(self.type, inputs[0], self.rank)
        return inputs[0]

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """num_features."""
        return {"num_features": inputs[0][0]}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight, bias: (C,), learnable; running_mean, running_var: (C,), and num_batches_tracked: (), buffers."""
        per_channel = (inputs[0][0],)
        names = ("weight", "bias") if self.bias else ("weight",)
        learned = tuple([TensorSpec(name, per_channel) for name in names]) if self.affine else ()
        if not self.track_running_stats:
            return learned
        return (
            *learned,
            TensorSpec("running_mean", per_channel, learnable=False),
            TensorSpec("running_var", per_channel, learnable=False),
            TensorSpec("num_batches_tracked", (), learnable=False, dtype="int64"),
        )

    def torch_arguments(self) -> dict[str, Any]:
        """As written; `bias` only where it is false, since older versions of PyTorch do not have it."""
        arguments = super().torch_arguments()
        if self.bias:
            del arguments["bias"]
        return arguments

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """One multiplication and one addition per element."""
        return Cost(elementwise=2 * prod(output))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The batch's statistics, taken in training and where none are tracked, are kept beside the input.

        Mean and inverse deviation of each channel, in float32 (a CPU has them in the dtype of half weights).
        """
        statistics = Room(fixed_bytes=2 * FLOAT_BYTES * output[0])
        own = not (self.affine or self.track_running_stats)
        return self.runs._replace(
            autocast_doubt="without parameters is a GPU's; a CPU has its statistics in half" if own else "",
            workspace=NOTHING if self.track_running_stats else statistics,
            training=Training(kept=statistics),
            refusals=self._refusals(output),
        )

    def _refusals(self, shape: Shape) -> tuple[Refused, ...]:
        """No eps, or a single value in each channel, where the batch's statistics are taken."""
        in_eval = not self.track_running_stats
        if self.eps == 0:
            return (Refused("needs an eps above 0 for a batch's own statistics", in_eval=in_eval),)
        if prod(shape[1:]) > 1:
            return ()
        return (Refused(f"gets one value per channel, {shape_text(shape)} at batch 1", 2, in_eval),)


class BatchNorm2d(BatchNormNd):
    """Batch normalisation (Ioffe & Szegedy 2015): per channel, to zero mean and unit deviation, then scale and shift.

    FLOPs: 2 per element, the multiplication and addition that remain in eval mode once the statistics and
    the affine parameters are folded into one scale and one shift per channel.
    """

    type: ClassVar[str] = "batch_norm2d"
    torch_class: ClassVar[str] = "BatchNorm2d"
    rank: ClassVar[int] = 2
