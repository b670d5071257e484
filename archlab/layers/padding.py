"""Padding: constants, mirrored, repeated and wrapped values around a map."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field
from pydantic_core import PydanticCustomError

from archlab.layers.base import Layer
from archlab.layers.fields import MAX_SIZE, Finite, JsonSchema, PerAxis, listed_schema
from archlab.layers.geometry import AxisReads, PaddingMode, Window, pointwise
from archlab.layers.operators import GradientLayout, Operator
from archlab.layers.room import KEEPS_NOTHING
from archlab.layers.runtime import Execution, Runtime, one_operator
from archlab.layers.shape import AXIS_NAMES, Shape, ShapeError, require_map, shape_text
from archlab.layers.strides import iterated
from archlab.layers.wrapping import Sides, wrapping

_SIDES = {1: "[left, right]", 2: "[left, right, top, bottom]", 3: "[left, right, top, bottom, front, back]"}
_COUNTS = {1: "two", 2: "four", 3: "six"}


def _side_padding(value: Any, rank: int) -> tuple[int, ...]:
    if type(value) is int:
        value = (value,) * (2 * rank)
    is_listed = isinstance(value, tuple | list) and len(value) == 2 * rank
    if is_listed and all(type(v) is int and abs(v) <= MAX_SIZE for v in value):
        return tuple(value)
    raise PydanticCustomError("four", f"must be a whole number, or {_COUNTS[rank]} of them: {_SIDES[rank]}")


def _side_schema(rank: int) -> JsonSchema:
    return {"anyOf": [{"type": "integer"}, listed_schema({"type": "integer"}, 2 * rank)]}


SidePadding = Annotated[tuple[int, ...], PerAxis(_side_padding, _side_schema)]


class PadNd(Layer):
    """What the paddings share, over maps of `rank` axes. FLOPs: none."""

    cuts_first: ClassVar[bool] = False
    """Whether PyTorch cuts before it pads, so that it cannot cut more than there is."""
    mode: ClassVar[PaddingMode] = "zeros"
    """What it pads with: a number, or values of the map."""

    alias: ClassVar[str] = "pad"
    runs: ClassVar[Runtime] = Runtime(layout="format", gradient_layout="format", training=KEEPS_NOTHING)

    padding: SidePadding = Field(description="A number, or [left, right, top, bottom]; negative numbers cut.")

    def _sides(self) -> list[Sides]:
        """Before and after along each axis: PyTorch names the last axis first."""
        before, after = self.padding[::2], self.padding[1::2]
        return list(zip(before, after, strict=True))[::-1]

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W) to (C, H + top + bottom, W + left + right)."""
        (shape,) = inputs
        require_map(self.type, shape, self.rank)
        return (shape[0], *[self._size(shape, axis, sides) for axis, sides in enumerate(self._sides())])

    def _size(self, shape: Shape, axis: int, sides: tuple[int, int]) -> int:
        size = shape[1 + axis]
        limit = self._most(size, size + min(sides[0], 0) + min(sides[1], 0))
        if limit is not None and max(sides) > limit:
            raise ShapeError(
                f"{self.type} can pad the {AXIS_NAMES[self.rank][axis]} of {size} by {limit} at most, not {max(sides)}",
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
        before = [sides[0] for sides in self._sides()]
        if output == inputs[0] and not any(before):
            return (pointwise(self.rank),)
        return (tuple([Window(padding=padding, mode=self.mode) for padding in before]),)


class FilledPadNd(PadNd):
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


class ZeroPad2d(FilledPadNd):
    """Zeros around the map; negative numbers cut it. FLOPs: none."""

    type: ClassVar[str] = "zero_pad2d"
    torch_class: ClassVar[str] = "ZeroPad2d"
    rank: ClassVar[int] = 2


class ConstantPadNd(FilledPadNd):
    """A constant around maps of `rank` axes."""

    value: Finite = Field(description="What to fill with.")


class ConstantPad2d(ConstantPadNd):
    """A constant around the map; negative numbers cut it. FLOPs: none."""

    type: ClassVar[str] = "constant_pad2d"
    torch_class: ClassVar[str] = "ConstantPad2d"
    rank: ClassVar[int] = 2


class ReflectionPadNd(PadNd):
    """Maps of `rank` axes mirrored at their border."""

    mode: ClassVar[PaddingMode] = "reflect"
    runs: ClassVar[Runtime] = Runtime(layout="format", gradient_layout="format")

    def _most(self, size: int, left: int) -> int | None:
        return size - 1


class ReflectionPad2d(ReflectionPadNd):
    """The map mirrored at its border, the border itself not repeated; padding is below the size. FLOPs: none."""

    type: ClassVar[str] = "reflection_pad2d"
    torch_class: ClassVar[str] = "ReflectionPad2d"
    rank: ClassVar[int] = 2


class ReplicationPadNd(PadNd):
    """The border of maps of `rank` axes repeated."""

    mode: ClassVar[PaddingMode] = "replicate"
    runs: ClassVar[Runtime] = Runtime(layout="format", gradient_layout="format")


class ReplicationPad2d(ReplicationPadNd):
    """The border's values repeated around the map. FLOPs: none."""

    type: ClassVar[str] = "replication_pad2d"
    torch_class: ClassVar[str] = "ReplicationPad2d"
    rank: ClassVar[int] = 2


class CircularPadNd(PadNd):
    """The other side of maps of `rank` axes around them."""

    mode: ClassVar[PaddingMode] = "circular"

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Made of copies."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """One for each side."""
        return wrapping(execution.inputs[0], self._sides())

    def _most(self, size: int, left: int) -> int | None:
        return left


class CircularPad2d(CircularPadNd):
    """The map's other side around it, once around at most. FLOPs: none."""

    type: ClassVar[str] = "circular_pad2d"
    torch_class: ClassVar[str] = "CircularPad2d"
    rank: ClassVar[int] = 2
