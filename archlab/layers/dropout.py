"""Values left out at random in training."""

from __future__ import annotations

from math import prod
from typing import ClassVar, Literal

from pydantic import Field

from archlab.layers.base import Layer
from archlab.layers.fields import Probability
from archlab.layers.room import SHARES, Room, Training
from archlab.layers.runtime import Operand, Runtime
from archlab.layers.shape import Shape, require_map

_NOTHING_DROPPED = Runtime(storage="eval_identity", training_storage="view", training=SHARES)


class _Dropout(Layer):
    """What the dropouts share."""

    p: Probability = Field(0.5, description="Probability of zeroing.")
    inplace: bool = Field(default=False, description="Overwrite the input.")

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The factors are kept: 0, or the inverse of the share that stays; one 0 where nothing does.

        In eval mode it is its input, which is overwritten in training only; so it is where nothing is dropped.
        """
        if self.p == 0:
            return _NOTHING_DROPPED._replace(overwrites=self.inplace)
        factors = Room(fixed_elements=1) if self.p == 1 else Room(elements=self._factors(output))
        return Runtime(
            storage="eval_identity",
            training_storage="inplace" if self.inplace else "new",
            overwrites=self.inplace,
            training=Training(inputs=(), kept=factors, kept_first=True),
            operand=self._operand(output),
        )

    def _factors(self, shape: Shape) -> int:
        return prod(shape)

    def _operand(self, shape: Shape) -> Operand | None:
        """What decides the order of the output, beside the input."""
        return None


class Dropout(_Dropout):
    """Zeroes values at random in training (Srivastava et al. 2014); nothing in eval mode. FLOPs: none (eval)."""

    type: ClassVar[str] = "dropout"
    alias: ClassVar[str] = "dropout"
    torch_class: ClassVar[str] = "Dropout"


class DropoutNd(_Dropout):
    """Zeroes whole channels of maps of `rank` axes at random in training; nothing in eval mode."""

    alias: ClassVar[str] = "dropout"

    def _factors(self, shape: Shape) -> int:
        return shape[0]

    def _operand(self, shape: Shape) -> Operand:
        """A factor for each channel."""
        return Operand((shape[0], *(1,) * (len(shape) - 1)), for_each_sample=True)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes), unchanged."""
        require_map(self.type, inputs[0], self.rank)
        return inputs[0]


class Dropout2d(DropoutNd):
    """Zeroes whole channels at random in training (Tompson et al. 2015); nothing in eval mode. FLOPs: none (eval)."""

    type: ClassVar[str] = "dropout2d"
    torch_class: ClassVar[str] = "Dropout2d"
    rank: ClassVar[int] = 2


class StochasticDepth(Layer):
    """Drops its input at random in training, to skip a residual branch (Huang et al. 2016); nothing in eval mode.

    FLOPs: none (eval).
    """

    type: ClassVar[str] = "stochastic_depth"
    alias: ClassVar[str] = "drop"
    torch_class: ClassVar[str] = "torchvision.ops.StochasticDepth"

    p: Probability = Field(description="Probability of dropping.")
    mode: Literal["batch", "row"] = Field(description="Drop for the whole batch, or for each sample (row) by itself.")

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """A factor for each sample is kept, or one for the batch."""
        if self.p == 0:
            return _NOTHING_DROPPED
        by_row = self.mode == "row"
        return Runtime(
            storage="eval_identity",
            training=Training(inputs=(), kept=Room(elements=1) if by_row else Room(fixed_elements=1), kept_first=True),
            operand=Operand((1,) * (len(output) + (not by_row)), for_each_sample=by_row),
        )
