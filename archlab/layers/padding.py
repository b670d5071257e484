"""Padding: constants, mirrored, repeated and wrapped values around a map."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from archlab.layers.base import Layer, one_operator
from archlab.layers.fields import MAX_SIZE, Finite
from archlab.layers.geometry import POINTWISE, AxisPair, PaddingMode, Window
from archlab.layers.operators import GradientLayout, Layout, Operator, Run
from archlab.layers.room import KEEPS_INPUT, KEEPS_NOTHING, Training
from archlab.layers.shape import Shape, ShapeError, require_map, shape_text
from archlab.layers.sliding import AXES
from archlab.layers.strides import Value, iterated
from archlab.layers.wrapping import wrapping


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


class _Pad(Layer):
    """What the paddings share. Shapes: (C, H, W) to (C, H + top + bottom, W + left + right). FLOPs: none."""

    cuts_first: ClassVar[bool] = False
    """Whether PyTorch cuts before it pads, so that it cannot cut more than there is."""
    mode: ClassVar[PaddingMode] = "zeros"
    """What it pads with: a number, or values of the map."""

    alias: ClassVar[str] = "pad"
    layout: ClassVar[Layout] = "format"
    gradient_layout: ClassVar[GradientLayout] = "format"

    padding: SidePadding = Field(description="A number, or [left, right, top, bottom]; negative numbers cut.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W) to (C, H + top + bottom, W + left + right)."""
        (shape,) = inputs
        require_map(self.type, shape)
        left, right, top, bottom = self.padding
        return (shape[0], self._size(shape, 0, (top, bottom)), self._size(shape, 1, (left, right)))

    def _size(self, shape: Shape, axis: int, sides: tuple[int, int]) -> int:
        size = shape[1 + axis]
        limit = self._most(size, size + min(sides[0], 0) + min(sides[1], 0))
        if limit is not None and max(sides) > limit:
            raise ShapeError(
                f"{self.type} can pad the {AXES[axis]} of {size} by {limit} at most, not {max(sides)}",
                option="padding",
                hint="it takes the values from the map; zero_pad2d and replication_pad2d pad by any number",
            )
        narrowed = self.cuts_first and min(sides[0], 0) + min(sides[1], 0) + size < 0
        if narrowed or size + sum(sides) < 1:
            raise ShapeError(f"{self.type} cuts more from the {shape_text(shape)} map than it has", option="padding")
        return size + sum(sides)

    def _most(self, size: int, left: int) -> int | None:
        """The largest padding that an axis allows, where the other side's cut has left so much of it."""
        return None

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisPair, ...]:
        """Shifted by the padding in front. What lies in the padding counts as outside of the map, whatever fills it."""
        left, _, top, _ = self.padding
        if output == inputs[0] and left == top == 0:
            return (POINTWISE,)
        return ((Window(padding=top, mode=self.mode), Window(padding=left, mode=self.mode)),)

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """Nothing: the gradient depends on the sizes alone."""
        return KEEPS_NOTHING


class _FilledPad(_Pad):
    """What the paddings by a number share: PyTorch cuts first, and only copies where nothing is added."""

    cuts_first: ClassVar[bool] = True

    def operators(
        self, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
    ) -> tuple[Operator, ...]:
        """One; its gradient is cut where it pads."""
        one = one_operator(self, inputs, shapes, output, run)
        if max(self.padding) <= 0:
            one = one._replace(value=iterated(one.value.sizes, (inputs[0]._replace(sizes=one.value.sizes),)))
        return (one._replace(layout="sliced" if min(self.padding) >= 0 else "own format"),)


class ZeroPad2d(_FilledPad):
    """Zeros around the map; negative numbers cut it. FLOPs: none."""

    type: ClassVar[str] = "zero_pad2d"
    torch_class: ClassVar[str] = "ZeroPad2d"


class ConstantPad2d(_FilledPad):
    """A constant around the map; negative numbers cut it. FLOPs: none."""

    type: ClassVar[str] = "constant_pad2d"
    torch_class: ClassVar[str] = "ConstantPad2d"

    value: Finite = Field(description="What to fill with.")


class ReflectionPad2d(_Pad):
    """The map mirrored at its border, the border itself not repeated; padding is below the size. FLOPs: none."""

    type: ClassVar[str] = "reflection_pad2d"
    torch_class: ClassVar[str] = "ReflectionPad2d"
    mode: ClassVar[PaddingMode] = "reflect"

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """The input."""
        return KEEPS_INPUT

    def _most(self, size: int, left: int) -> int | None:
        return size - 1


class ReplicationPad2d(_Pad):
    """The border's values repeated around the map. FLOPs: none."""

    type: ClassVar[str] = "replication_pad2d"
    torch_class: ClassVar[str] = "ReplicationPad2d"
    mode: ClassVar[PaddingMode] = "replicate"

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """The input."""
        return KEEPS_INPUT


class CircularPad2d(_Pad):
    """The map's other side around it, once around at most. FLOPs: none."""

    type: ClassVar[str] = "circular_pad2d"
    torch_class: ClassVar[str] = "CircularPad2d"
    mode: ClassVar[PaddingMode] = "circular"

    def operators(
        self, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
    ) -> tuple[Operator, ...]:
        """Copies, one for each side."""
        return wrapping(inputs[0], self.padding)

    def _most(self, size: int, left: int) -> int | None:
        return left
