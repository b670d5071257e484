"""Values left out at random in training."""

from __future__ import annotations

from math import prod
from typing import ClassVar, Literal

from pydantic import Field

from archlab.layers.base import Layer, Storage
from archlab.layers.fields import Probability
from archlab.layers.operators import Run
from archlab.layers.room import SHARES, Room, Training
from archlab.layers.shape import Shape, require_map
from archlab.layers.strides import Value, contiguous


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
