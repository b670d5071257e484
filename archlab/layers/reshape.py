"""Layers that move values without computing: flatten, padding, identity, dropout."""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from archlab.layers.base import Layer, Shape, ShapeError, Storage, require_map, shape_text
from archlab.layers.fields import MAX_SIZE, Probability
from archlab.layers.geometry import GLOBAL, POINTWISE, AxisPair, Window


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
        start = self.start_dim + rank if self.start_dim < 0 else self.start_dim
        end = self.end_dim + rank if self.end_dim < 0 else self.end_dim
        if not 1 <= start <= end < rank:
            raise ShapeError(
                f"flatten cannot merge dimensions {self.start_dim} to {self.end_dim} of a batch of "
                f"{shape_text(shape)}; dimension 0 is the batch and must stay",
                option="start_dim",
            )
        return (*shape[: start - 1], prod(shape[start - 1 : end]), *shape[end:])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisPair, ...]:
        """A flat vector has no positions any more: together it sees the whole map."""
        return (POINTWISE if output == inputs[0] else GLOBAL,)

    @property
    def storage(self) -> Storage:
        """A view."""
        return "view"


def _four(value: Any) -> tuple[int, int, int, int]:
    if type(value) is int:
        value = (value,) * 4
    if (
        isinstance(value, tuple | list)
        and len(value) == 4
        and all(type(v) is int and abs(v) <= MAX_SIZE for v in value)
    ):
        return (value[0], value[1], value[2], value[3])
    raise PydanticCustomError("four", "must be a whole number, or four of them: [left, right, top, bottom]")


SidePadding = Annotated[
    tuple[int, int, int, int],
    BeforeValidator(_four),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer"},
                {"type": "array", "items": {"type": "integer"}, "minItems": 4, "maxItems": 4},
            ]
        }
    ),
]


class ZeroPad2d(Layer):
    """Zeros around the map; negative numbers cut it. FLOPs: none."""

    type: ClassVar[str] = "zero_pad2d"
    alias: ClassVar[str] = "pad"
    torch_class: ClassVar[str] = "ZeroPad2d"

    padding: SidePadding = Field(description="A number, or [left, right, top, bottom].")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W) to (C, H + top + bottom, W + left + right)."""
        (shape,) = inputs
        require_map(self.type, shape)
        left, right, top, bottom = self.padding
        height, width = shape[1] + top + bottom, shape[2] + left + right
        cut = min(top, 0) + min(bottom, 0) + shape[1] < 0 or min(left, 0) + min(right, 0) + shape[2] < 0
        if cut or height < 1 or width < 1:
            raise ShapeError(f"zero_pad2d cuts more from the {shape_text(shape)} map than it has", option="padding")
        return (shape[0], height, width)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisPair, ...]:
        """Shifted by the padding in front."""
        left, _, top, _ = self.padding
        return ((Window(padding=top), Window(padding=left)),)


class Identity(Layer):
    """The input, unchanged."""

    type: ClassVar[str] = "identity"
    alias: ClassVar[str] = "identity"
    torch_class: ClassVar[str] = "Identity"

    @property
    def storage(self) -> Storage:
        """The input itself."""
        return "view"


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

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W), unchanged."""
        require_map(self.type, inputs[0])
        return inputs[0]


class Input(Layer):
    """The network's input: the first node of every graph, never written as a layer."""

    type: ClassVar[str] = "input"
    alias: ClassVar[str] = "input"
