"""Padding: constants, mirrored, repeated and wrapped values around a map."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from archlab.layers.base import Layer
from archlab.layers.fields import MAX_SIZE, Finite
from archlab.layers.geometry import AxisReads, PaddingMode, Window, pointwise
from archlab.layers.operators import GradientLayout, Operator
from archlab.layers.room import KEEPS_NOTHING
from archlab.layers.runtime import Execution, Runtime, one_operator
from archlab.layers.shape import Shape, ShapeError, require_map, shape_text
from archlab.layers.sliding import AXES
from archlab.layers.strides import iterated
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
    runs: ClassVar[Runtime] = Runtime(layout="format", gradient_layout="format", training=KEEPS_NOTHING)

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

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Shifted by the padding in front. What lies in the padding counts as outside of the map, whatever fills it."""
        left, _, top, _ = self.padding
        if output == inputs[0] and left == top == 0:
            return (pointwise(2),)
        return ((Window(padding=top, mode=self.mode), Window(padding=left, mode=self.mode)),)


class _FilledPad(_Pad):
    """What the paddings by a number share: PyTorch cuts first, and only copies where nothing is added."""

    cuts_first: ClassVar[bool] = True

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Its gradient is cut where it pads."""
        layout: GradientLayout = "sliced" if min(self.padding) >= 0 else "own format"
        operators = _cut if max(self.padding) <= 0 else None
        return self.runs._replace(gradient_layout=layout, operators=operators)


def _cut(runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
    """A copy of a part."""
    part = execution.inputs[0]._replace(sizes=execution.sizes)
    return (one_operator(runtime, execution)._replace(value=iterated(execution.sizes, (part,))),)


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
    runs: ClassVar[Runtime] = Runtime(layout="format", gradient_layout="format")

    def _most(self, size: int, left: int) -> int | None:
        return size - 1


class ReplicationPad2d(_Pad):
    """The border's values repeated around the map. FLOPs: none."""

    type: ClassVar[str] = "replication_pad2d"
    torch_class: ClassVar[str] = "ReplicationPad2d"
    mode: ClassVar[PaddingMode] = "replicate"
    runs: ClassVar[Runtime] = Runtime(layout="format", gradient_layout="format")


class CircularPad2d(_Pad):
    """The map's other side around it, once around at most. FLOPs: none."""

    type: ClassVar[str] = "circular_pad2d"
    torch_class: ClassVar[str] = "CircularPad2d"
    mode: ClassVar[PaddingMode] = "circular"

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Made of copies."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """One for each side."""
        return wrapping(execution.inputs[0], self.padding)

    def _most(self, size: int, left: int) -> int | None:
        return left
