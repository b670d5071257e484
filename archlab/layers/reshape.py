"""Layers that move values without computing: flatten, identity, dropout, the order of the dimensions."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar, Literal

from pydantic import Field

from archlab.layers.base import Layer, Storage, one_operator
from archlab.layers.fields import Probability
from archlab.layers.geometry import GLOBAL, POINTWISE, AxisPair
from archlab.layers.operators import Operator, Run, permutation, reshape
from archlab.layers.room import SHARES, Room, Training
from archlab.layers.shape import ChannelsLast, Shape, ShapeError, require_map, shape_text
from archlab.layers.strides import Value, contiguous


class Flatten(Layer):
    """Merge dimensions start_dim to end_dim into one: a view, without work. Dimension 0 is the batch."""

    type: ClassVar[str] = "flatten"
    alias: ClassVar[str] = "flatten"
    torch_class: ClassVar[str] = "Flatten"

    start_dim: int = Field(1, description="First dimension to merge (0 is the batch, 1 the channels).")
    end_dim: int = Field(-1, description="Last dimension to merge.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W) to (C * H * W,) by default."""
        (shape,) = inputs
        rank = len(shape) + 1
        start, end = self._merged(shape)
        if not 1 <= start <= end < rank:
            raise ShapeError(
                f"flatten cannot merge dimensions {self.start_dim} to {self.end_dim} of a batch of "
                f"{shape_text(shape)}; dimension 0 is the batch and must stay",
                option="start_dim",
            )
        if start == end:
            return shape
        return (*shape[: start - 1], prod(shape[start - 1 : end]), *shape[end:])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisPair, ...]:
        """A flat vector has no positions any more: together it sees the whole map."""
        return (POINTWISE if output == inputs[0] else GLOBAL,)

    def operators(
        self, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
    ) -> tuple[Operator, ...]:
        """A view, or a copy where what it merges does not lie so; nothing where it merges nothing."""
        (source,) = inputs
        start, end = self._merged(shapes[0])
        if start == end:
            return (one_operator(self, inputs, shapes, output, run),)
        return (reshape(source, (run.batch, *output)),)

    def _merged(self, shape: Shape) -> tuple[int, int]:
        """First and last dimension, counted from the batch."""
        rank = len(shape) + 1
        start = self.start_dim + rank if self.start_dim < 0 else self.start_dim
        return start, self.end_dim + rank if self.end_dim < 0 else self.end_dim

    @property
    def storage(self) -> Storage:
        """A view."""
        return "view"

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """Nothing: the gradient is a view too."""
        return SHARES


class Identity(Layer):
    """The input, unchanged."""

    type: ClassVar[str] = "identity"
    alias: ClassVar[str] = "identity"
    torch_class: ClassVar[str] = "Identity"

    @property
    def storage(self) -> Storage:
        """The input itself."""
        return "view"

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """Nothing."""
        return SHARES


class _Dropout(Layer):
    """What the dropouts share."""

    p: Probability = Field(0.5, description="Probability of zeroing.")
    inplace: bool = Field(default=False, description="Overwrite the input.")

    @property
    def storage(self) -> Storage:
        """The input itself in eval mode."""
        return "eval_identity"

    @property
    def overwrites(self) -> bool:
        """Where `inplace`: only in training, when it does anything."""
        return self.inplace

    @property
    def training_storage(self) -> Storage:
        """Its own, or the input's where that is overwritten or nothing is dropped."""
        if self.p == 0:
            return "view"
        return "inplace" if self.inplace else "new"

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """The factors: 0, or the inverse of the share that is kept; one 0 where nothing is."""
        if self.p == 0:
            return SHARES
        factors = Room(fixed_elements=1) if self.p == 1 else Room(elements=self._factors(output))
        return Training(inputs=(), kept=factors, kept_first=True)

    def _factors(self, shape: Shape) -> int:
        return prod(shape)


class Dropout(_Dropout):
    """Zeroes values at random in training (Srivastava et al. 2014); nothing in eval mode. FLOPs: none (eval)."""

    type: ClassVar[str] = "dropout"
    alias: ClassVar[str] = "dropout"
    torch_class: ClassVar[str] = "Dropout"


class Dropout2d(_Dropout):
    """Zeroes whole channels at random in training (Tompson et al. 2015); nothing in eval mode. FLOPs: none (eval)."""

    type: ClassVar[str] = "dropout2d"
    alias: ClassVar[str] = "dropout"
    torch_class: ClassVar[str] = "Dropout2d"

    def _factors(self, shape: Shape) -> int:
        return shape[0]

    def operands(self, inputs: tuple[Value, ...], run: Run) -> tuple[Value, ...]:
        """The input, and a factor for each channel."""
        return (*inputs, contiguous((*inputs[0].sizes[:2], 1, 1)))

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W), unchanged."""
        require_map(self.type, inputs[0])
        return inputs[0]


class StochasticDepth(Layer):
    """Drops its input at random in training, to skip a residual branch (Huang et al. 2016); nothing in eval mode.

    FLOPs: none (eval).
    """

    type: ClassVar[str] = "stochastic_depth"
    alias: ClassVar[str] = "drop"
    torch_class: ClassVar[str] = "torchvision.ops.StochasticDepth"

    p: Probability = Field(description="Probability of dropping.")
    mode: Literal["batch", "row"] = Field(description="Drop for the whole batch, or for each sample (row) by itself.")

    @property
    def storage(self) -> Storage:
        """The input itself in eval mode."""
        return "eval_identity"

    @property
    def training_storage(self) -> Storage:
        """Its own, or the input's where nothing is dropped."""
        return "view" if self.p == 0 else "new"

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """A factor for each sample, or one for the batch."""
        if self.p == 0:
            return SHARES
        factors = Room(elements=1) if self.mode == "row" else Room(fixed_elements=1)
        return Training(inputs=(), kept=factors, kept_first=True)

    def operands(self, inputs: tuple[Value, ...], run: Run) -> tuple[Value, ...]:
        """The input, and its factors."""
        (source,) = inputs
        count = run.batch if self.mode == "row" else 1
        return (source, contiguous((count, *(1,) * (len(source.sizes) - 1))))


class _Permute(Layer):
    """What the orders of dimensions share: a view, without work."""

    torch_class: ClassVar[str] = "torchvision.ops.Permute"
    alias: ClassVar[str] = "permute"
    dims: ClassVar[tuple[int, ...]]

    def torch_arguments(self) -> dict[str, Any]:
        """The order, the batch first."""
        return {"dims": list(self.dims)}

    def operators(
        self, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
    ) -> tuple[Operator, ...]:
        """A view."""
        return (permutation(inputs[0], self.dims),)

    @property
    def storage(self) -> Storage:
        """A view."""
        return "view"

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """Nothing: the gradient is a view too."""
        return SHARES


class ChannelsLastOrder(_Permute):
    """(C, H, W) to (H, W, C), a view, for `layer_norm` and `linear` over the channels of a map. FLOPs: none."""

    type: ClassVar[str] = "channels_last"
    dims: ClassVar[tuple[int, ...]] = (0, 2, 3, 1)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W) to (H, W, C)."""
        (shape,) = inputs
        if isinstance(shape, ChannelsLast):
            raise ShapeError(f"channels_last: the input {shape_text(shape)} has its channels last already")
        require_map(self.type, shape)
        return ChannelsLast((shape[1], shape[2], shape[0]))


class ChannelsFirstOrder(_Permute):
    """(H, W, C) to (C, H, W), a view: back from `channels_last`. FLOPs: none."""

    type: ClassVar[str] = "channels_first"
    dims: ClassVar[tuple[int, ...]] = (0, 3, 1, 2)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(H, W, C) to (C, H, W)."""
        (shape,) = inputs
        if not isinstance(shape, ChannelsLast):
            raise ShapeError(
                f"channels_first needs an input that has its channels last, but its input is {shape_text(shape)}",
                hint="it undoes {type: channels_last}",
            )
        return (shape[2], shape[0], shape[1])


class Input(Layer):
    """The network's input: the first node of every graph, never written as a layer."""

    type: ClassVar[str] = "input"
    alias: ClassVar[str] = "input"
