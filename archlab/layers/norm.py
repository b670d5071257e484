"""Normalisation."""

from __future__ import annotations

from math import gcd, prod
from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.base import Layer, Refused, Role, TensorSpec, one_operator
from archlab.layers.fields import Finite, Positive
from archlab.layers.operators import (
    FIRST,
    GradientLayout,
    Layout,
    Operator,
    Run,
    copy_in_order,
    permutation,
    power,
    quotient,
    view,
)
from archlab.layers.precision import AutocastTo
from archlab.layers.room import KEEPS_INPUT, NOTHING, SHARES, Room, Training
from archlab.layers.shape import ChannelsLast, Shape, ShapeError, require_map, shape_text
from archlab.layers.strides import Value, contiguous, iterated, viewed

FLOAT_BYTES = 4


class BatchNorm2d(Layer):
    """Batch normalisation (Ioffe & Szegedy 2015): per channel, to zero mean and unit deviation, then scale and shift.

    FLOPs: 2 per element, the multiplication and addition that remain in eval mode once the statistics and
    the affine parameters are folded into one scale and one shift per channel.
    """

    type: ClassVar[str] = "batch_norm2d"
    gradient_layout: ClassVar[GradientLayout] = "output"
    alias: ClassVar[str] = "bn"
    torch_class: ClassVar[str] = "BatchNorm2d"
    role: ClassVar[Role] = "norm"

    eps: float = Field(1e-5, ge=0, allow_inf_nan=False, description="Added to the variance.")
    momentum: float | None = Field(
        0.1, ge=0, le=1, description="Weight of a new batch in the running statistics; null for a cumulative mean."
    )
    affine: bool = Field(default=True, description="Learn a scale and a shift per channel.")
    bias: bool = Field(default=True, description="Learn the shift, where affine.")
    track_running_stats: bool = Field(default=True, description="Keep the statistics that eval mode uses.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W), unchanged."""
        require_map(self.type, inputs[0])
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

    def elementwise(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """One multiplication and one addition per element."""
        return 2 * prod(output)

    def refuses(self, inputs: tuple[Shape, ...], batch: int, *, training: bool) -> Refused | None:
        """A single value in each channel, or no eps, where the batch's statistics are taken."""
        if not training and self.track_running_stats:
            return None
        if self.eps == 0:
            return Refused("needs an eps above 0 for a batch's own statistics")
        if batch * inputs[0][1] * inputs[0][2] > 1:
            return None
        return Refused(f"gets one value per channel, {shape_text(inputs[0])} at batch 1", 2)

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """The input, and the batch's statistics."""
        return Training(kept=self._statistics(inputs[0]))

    def scratch(self, inputs: tuple[Shape, ...], output: Shape) -> Room:
        """The batch's statistics, where eval mode needs them."""
        return NOTHING if self.track_running_stats else self._statistics(inputs[0])

    def _statistics(self, shape: Shape) -> Room:
        """Mean and inverse deviation of each channel, in float32 (a CPU has them in the dtype of half weights)."""
        return Room(fixed_bytes=2 * FLOAT_BYTES * shape[0])


class LocalResponseNorm(Layer):
    """Local response normalisation across channels (Krizhevsky et al. 2012).

    FLOPs per element: size + 4 (the square, size - 1 additions, times alpha / size, plus k, the power, the division).
    """

    type: ClassVar[str] = "local_response_norm"
    alias: ClassVar[str] = "lrn"
    torch_class: ClassVar[str] = "LocalResponseNorm"
    role: ClassVar[Role] = "norm"
    autocast_to: ClassVar[AutocastTo] = "float32"
    autocast_doubt: ClassVar[str] = "follows CUDA's lists and has not been counted"

    size: Positive = Field(description="Number of neighbouring channels.")
    alpha: Finite = Field(1e-4, description="Multiplicative factor.")
    beta: Finite = Field(0.75, description="Exponent.")
    k: Finite = Field(1.0, description="Additive factor.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W), unchanged."""
        require_map(self.type, inputs[0])
        return inputs[0]

    def elementwise(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """See the class."""
        return (self.size + 4) * prod(output)

    def operators(
        self, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
    ) -> tuple[Operator, ...]:
        """The squares, padded and summed up (the mean, times size), times alpha, plus k; their power; the quotient."""
        (source,) = inputs
        sizes = source.sizes
        squares = iterated(sizes, (source, source))
        rows = (sizes[0], 1, sizes[1], sizes[2], sizes[3])
        padded = contiguous((sizes[0], 1, sizes[1] + self.size - 1, *sizes[2:]))
        split = viewed(squares, rows)
        assert split is not None  # a dimension of one position goes anywhere
        even = contiguous(sizes)
        return (
            Operator(squares, (FIRST, FIRST), training=KEEPS_INPUT, computes="inputs", until=2),
            view(split, (0,)),
            Operator(padded, (1,), layout="shape", computes="inputs", until=3),
            Operator(contiguous(rows), (2,), training=KEEPS_INPUT, layout="shape", computes="inputs", until=7),
            view(even, (3,)),
            Operator(even, (4,), computes="inputs"),
            Operator(even, (5,), training=SHARES, computes="inputs"),
            Operator(even, (6,), training=power(even)),
            quotient(iterated(sizes, (source, even)), (FIRST, 7))._replace(computes="inputs"),
        )


STATISTICS_FLOPS = 5
"""Per element: the mean's addition, the deviation, its square and their addition, times the inverse deviation."""


def _affine_tensors(channels: int, *, weight: bool, bias: bool) -> tuple[TensorSpec, ...]:
    names = (*(("weight",) if weight else ()), *(("bias",) if weight and bias else ()))
    return tuple([TensorSpec(name, (channels,)) for name in names])


class GroupNorm(Layer):
    """Group normalisation (Wu & He 2018): over the positions and channels of each group, then scale and shift.

    The statistics are of the sample itself, in eval mode too. FLOPs per element: 5, and 1 each for scale and shift.
    The receptive field stays as it is; that the statistics see the whole map is told as context.
    """

    type: ClassVar[str] = "group_norm"
    gradient_layout: ClassVar[GradientLayout] = "format"
    layout: ClassVar[Layout] = "format"
    alias: ClassVar[str] = "gn"
    torch_class: ClassVar[str] = "GroupNorm"
    role: ClassVar[Role] = "norm"
    autocast_to: ClassVar[AutocastTo] = "float32"

    num_groups: Positive = Field(description="Groups of channels; must divide them. 1: all channels together.")
    eps: float = Field(1e-5, ge=0, allow_inf_nan=False, description="Added to the variance.")
    affine: bool = Field(default=True, description="Learn a scale and a shift per channel.")
    bias: bool = Field(default=True, description="Learn the shift, where affine.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W), unchanged."""
        (shape,) = inputs
        require_map(self.type, shape)
        if shape[0] % self.num_groups:
            common = gcd(shape[0], self.num_groups)
            raise ShapeError(
                f"group_norm: num_groups={self.num_groups} does not divide the {shape[0]} channels",
                option="num_groups",
                hint=f"{common} does" if common > 1 else None,
            )
        if prod(shape) == self.num_groups:
            raise ShapeError(
                f"group_norm: each of the {self.num_groups} groups of {shape_text(shape)} is a single value, "
                "and its mean is itself",
                option="num_groups",
            )
        return shape

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """num_channels."""
        return {"num_channels": inputs[0][0]}

    def torch_arguments(self) -> dict[str, Any]:
        """As written; `bias` only where it is false, since older versions of PyTorch do not have it."""
        arguments = super().torch_arguments()
        if self.bias:
            del arguments["bias"]
        return arguments

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight, bias: (C,)."""
        return _affine_tensors(inputs[0][0], weight=self.affine, bias=self.bias)

    def elementwise(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Statistics, normalisation, scale and shift."""
        return (STATISTICS_FLOPS + len(self.tensors(inputs))) * prod(output)

    @property
    def sees_whole_map(self) -> bool:
        """The statistics do."""
        return True

    def scratch(self, inputs: tuple[Shape, ...], output: Shape) -> Room:
        """Mean and inverse deviation of each group."""
        return Room(elements=2 * self.num_groups)

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """The input and the statistics."""
        return Training(kept=self.scratch(inputs, output))


class InstanceNorm2d(BatchNorm2d):
    """Instance normalisation (Ulyanov et al. 2016): each channel of each sample by itself.

    FLOPs per element: 5, and 1 each for scale and shift; 2 where running statistics replace the sample's in eval mode.
    The receptive field stays as it is; that the statistics see the whole map is told as context.
    """

    type: ClassVar[str] = "instance_norm2d"
    alias: ClassVar[str] = "norm"
    torch_class: ClassVar[str] = "InstanceNorm2d"
    autocast_doubt: ClassVar[str] = "is a GPU's; a CPU took up to 4% less of small networks"

    momentum: float = Field(0.1, ge=0, le=1, description="Weight of a new batch in the running statistics.")
    affine: bool = Field(default=False, description="Learn a scale and a shift per channel.")
    track_running_stats: bool = Field(default=False, description="Keep statistics for eval mode.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W), unchanged."""
        shape = super().out_shape(inputs)
        if shape[1:] == (1, 1) and not self.track_running_stats:
            raise ShapeError(
                f"instance_norm2d: each channel of {shape_text(shape)} is a single value, and its mean is itself",
                hint="put it in front of the pooling, or use group_norm",
            )
        return shape

    def refuses(self, inputs: tuple[Shape, ...], batch: int, *, training: bool) -> Refused | None:
        """A single position, where the sample's own statistics are taken: in training always."""
        if inputs[0][1:] != (1, 1) or not (training or not self.track_running_stats):
            return None
        return Refused(f"gets one position per channel, {shape_text(inputs[0])}; put it in front of the pooling")

    def elementwise(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Statistics, normalisation, scale and shift."""
        if self.track_running_stats:
            return super().elementwise(inputs, output)
        return (STATISTICS_FLOPS + sum(tensor.learnable for tensor in self.tensors(inputs))) * prod(output)

    @property
    def sees_whole_map(self) -> bool:
        """The statistics do, where they are the sample's own."""
        return not self.track_running_stats

    def operators(
        self, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
    ) -> tuple[Operator, ...]:
        """Parameters and running statistics repeated for each sample, and a batch norm of all channels as one sample's.

        The input is copied first where it does not lie in the order of its sizes.
        """
        (source,) = inputs
        batch, channels = source.sizes[:2]
        repeated, flat = contiguous((batch * channels,)), contiguous((1, batch * channels, *source.sizes[2:]))
        learned = [tensor.learnable for tensor in self.tensors(shapes) if tensor.shape == (channels,)]
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
        uses_own = run.training or not self.track_running_stats
        own = Room(fixed_bytes=2 * FLOAT_BYTES * batch * channels) if uses_own else NOTHING
        shift = 1 if self.affine and self.bias else None  # the second of the repeated; no derivative needs it
        kept = (0, *[1 + number for number in range(len(learned)) if number != shift])
        reads = (len(steps) - 1, *range(len(learned)))
        training = Training(inputs=kept, kept=own)
        steps.append(Operator(flat, reads, training=training, layout="output", computes="first", scratch=own))
        return (*steps, view(contiguous(source.sizes), (len(steps) - 1,)))


class LayerNorm(Layer):
    """Layer normalisation (Ba et al. 2016) over the last dimension: features, or channels of a channels-last map.

    FLOPs per element: 5, and 1 each for scale and shift.
    """

    type: ClassVar[str] = "layer_norm"
    gradient_layout: ClassVar[GradientLayout] = "shape"
    layout: ClassVar[Layout] = "shape"
    alias: ClassVar[str] = "ln"
    torch_class: ClassVar[str] = "LayerNorm"
    role: ClassVar[Role] = "norm"
    autocast_to: ClassVar[AutocastTo] = "float32"

    eps: float = Field(1e-5, ge=0, allow_inf_nan=False, description="Added to the variance.")
    elementwise_affine: bool = Field(default=True, description="Learn a scale and a shift per channel.")
    bias: bool = Field(default=True, description="Learn the shift, where affine.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(features,) or (H, W, C), unchanged."""
        (shape,) = inputs
        if len(shape) != 1 and not isinstance(shape, ChannelsLast):
            raise ShapeError(
                f"layer_norm normalises over the last dimension, but its input {shape_text(shape)} has channels first",
                hint="use layer_norm2d, or put {type: channels_last} in front of it",
            )
        return shape

    def _channels(self, shape: Shape) -> int:
        return shape[-1]

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """normalized_shape."""
        return {"normalized_shape": self._channels(inputs[0])}

    def scratch(self, inputs: tuple[Shape, ...], output: Shape) -> Room:
        """Mean and inverse deviation of each position."""
        return Room(elements=2 * prod(output) // self._channels(output))

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """The input and the statistics."""
        return Training(kept=self.scratch(inputs, output))

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight, bias: (C,)."""
        return _affine_tensors(self._channels(inputs[0]), weight=self.elementwise_affine, bias=self.bias)

    def elementwise(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Statistics, normalisation, scale and shift."""
        return (STATISTICS_FLOPS + len(self.tensors(inputs))) * prod(output)


class LayerNorm2d(LayerNorm):
    """Layer normalisation over the channels of a map, position by position (ConvNeXt, Liu et al. 2022).

    torchvision's `LayerNorm2d`: a permutation to channels-last, `layer_norm`, and back. FLOPs per element: 5, and
    1 each for scale and shift.
    """

    type: ClassVar[str] = "layer_norm2d"
    torch_class: ClassVar[str] = "torchvision.models.convnext.LayerNorm2d"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W), unchanged."""
        require_map(self.type, inputs[0])
        return inputs[0]

    def _channels(self, shape: Shape) -> int:
        return shape[0]

    def operators(
        self, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
    ) -> tuple[Operator, ...]:
        """A permutation, the norm over the last dimension, and back."""
        (source,) = inputs
        turned = permutation(source, (0, 2, 3, 1))
        norm = one_operator(self, inputs, shapes, output, run)._replace(
            value=contiguous(turned.value.sizes), reads=(0,)
        )
        return (turned, norm, permutation(norm.value, (0, 3, 1, 2), 1))
