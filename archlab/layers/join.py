"""Joins: layers with several inputs. In a config the first input is the line above, the others are named `with`."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Others, Role
from archlab.layers.dims import dim_index
from archlab.layers.geometry import BROADCAST, IDENTITY, UNKNOWN, AxisReads, Reads, everything, pointwise
from archlab.layers.laid import (
    CHANNELS,
    ChannelsLast,
    extra_of,
    laid,
    positions_of,
    roles_of,
    without_positions,
)
from archlab.layers.operators import FIRST, Operator
from archlab.layers.room import KEEPS_NOTHING, SHARES, VIEWS, Gradient, Training
from archlab.layers.runtime import Execution, Runtime, one_operator
from archlab.layers.shape import Shape, ShapeError, axis_count, of_kind, require_map, shape_text
from archlab.layers.strides import Value, contiguous, in_format_of, iterated


def _shapes_text(inputs: tuple[Shape, ...]) -> str:
    mixed = len({isinstance(shape, ChannelsLast) for shape in inputs}) > 1
    texts = [shape_text(s) + " (channels last)" * (mixed and isinstance(s, ChannelsLast)) for s in inputs]
    return " and ".join(texts)


def _refuse_channels_last(layer: str, inputs: tuple[Shape, ...]) -> None:
    for shape in inputs:
        if isinstance(shape, ChannelsLast):
            require_map(layer, shape)


class StretchingJoin(Layer):
    """What the joins share that stretch: inputs whose sizes are equal, or 1 where another's is larger.

    Features may be split into dimensions of 1 (`unflatten`) and stretched over a map, as a gate made by linear layers.
    """

    role: ClassVar[Role] = "join"
    attachments: ClassVar[tuple[str, ...]] = ("norm", "activation")
    others: ClassVar[Others] = "joined"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shapes of one rank whose sizes are equal or 1; equal ones where the channels are last.

        All that have axes have them in the same dimensions, in which all others are of size 1.
        """
        if any(isinstance(shape, ChannelsLast) for shape in inputs):
            if len(set(inputs)) == 1:
                return inputs[0]
            _refuse_channels_last(self.type, inputs)
        sizes = [set(axis) - {1} for axis in zip(*inputs, strict=False)]
        maps = [shape for shape in inputs if axis_count(shape)] or [*inputs]
        roles = roles_of(maps[0])
        alike = len({len(shape) for shape in inputs}) == 1 and all(roles_of(shape) == roles for shape in maps)
        if not alike or any(len(axis) > 1 for axis in sizes) or any(_fills_axes(shape, roles) for shape in inputs):
            raise ShapeError(
                f"{self.type} needs inputs of one shape, or a gate with size 1 where the map is larger, "
                f"but they are {_shapes_text(inputs)}"
            )
        stretched = tuple([max(axis) if axis else 1 for axis in sizes])
        positions = tuple(map(max, *map(positions_of, maps))) if len(maps) > 1 else positions_of(maps[0])
        return laid(stretched, roles, positions, extra_of(maps[0]))

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Position by position, or the one position of a stretched axis; features, which see all, as a whole."""
        rank = axis_count(output)
        if rank == 0 or len(set(inputs)) == 1:
            return super().reads(inputs, output)
        return tuple(
            [
                tuple(map(_stretch, positions_of(shape), positions_of(output)))
                if axis_count(shape)
                else everything(rank)
                for shape in inputs
            ]
        )

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """One operation per output element and further input."""
        return Cost(elementwise=(len(inputs) - 1) * prod(output))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Two at a time."""
        return self.runs._replace(pairwise=True, operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """Of two, then of what that gives and the next; a stretched input's gradient is a whole map, summed up."""
        inputs, steps = execution.inputs, list[Operator]()
        left, read = inputs[0], FIRST
        for number, right in enumerate(inputs[1:], start=2):
            sizes = tuple([max(pair) for pair in zip(left.sizes, right.sizes, strict=True)])
            value = iterated(sizes, (left, right))
            made = self._operator(value, (read, -number), (left.sizes != sizes, right.sizes != sizes))
            steps.append(made._replace(computes="inputs"))
            left, read = value, len(steps) - 1
        return tuple(steps)

    def _operator(self, value: Value, reads: tuple[int, ...], stretched: tuple[bool, bool]) -> Operator:
        """Of two.

        Args:
            value: what it gives.
            reads: the two.
            stretched: whether each is.
        """
        raise NotImplementedError


def gradients_of(stretched: tuple[bool, bool]) -> tuple[Gradient, ...]:
    """New maps, summed up for what is stretched."""
    return tuple(["reduced" if is_stretched else "new" for is_stretched in stretched])


class Add(StretchingJoin):
    """Elementwise sum of maps of one shape. FLOPs: one addition per element and further input."""

    type: ClassVar[str] = "add"
    alias: ClassVar[str] = "add"

    stretch: bool = Field(
        default=False, description="Stretch axes of size 1, as PyTorch does; false: unequal shapes are an error."
    )

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """All of one shape, unchanged; stretched where that is wanted."""
        if self.stretch:
            return super().out_shape(inputs)
        if len(set(inputs)) != 1:
            raise ShapeError(f"add needs inputs of one shape, but they are {_shapes_text(inputs)}")
        return inputs[0]

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Nothing is kept: the gradient of a sum is that of each term."""
        if len(set(inputs)) > 1:
            return Runtime(training=KEEPS_NOTHING, pairwise=True, operators=super()._operators)
        return Runtime(training=SHARES, pairwise=True, autocast="first two", operators=self._in_place)

    def _in_place(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """The sum of the first two, to which the others are added in place."""
        inputs = execution.inputs
        value = iterated(inputs[0].sizes, inputs[:2])
        further = [Operator(value, (number, -3 - number), "inplace", SHARES) for number in range(len(inputs) - 2)]
        return (Operator(value, (FIRST, FIRST - 1), training=SHARES), *further)

    def _operator(self, value: Value, reads: tuple[int, ...], stretched: tuple[bool, bool]) -> Operator:
        """What is stretched gets its gradient summed up, the other the result's."""
        kinds = tuple([_summed(is_stretched) for is_stretched in stretched])
        return Operator(value, reads, training=SHARES, gradients=kinds)


def _summed(is_stretched: bool) -> Gradient:  # noqa: FBT001 - of a pair
    return "new" if is_stretched else "shared"


class Multiply(StretchingJoin):
    """Elementwise product; an axis of size 1 is stretched, so that a gate of Cx1x1 or 1xHxW can scale a map.

    FLOPs: one multiplication per output element and further input.
    """

    type: ClassVar[str] = "multiply"
    alias: ClassVar[str] = "mul"
    others: ClassVar[Others] = "gated"
    runs: ClassVar[Runtime] = Runtime(training=Training(inputs=(0, 1)))

    def _operator(self, value: Value, reads: tuple[int, ...], stretched: tuple[bool, bool]) -> Operator:
        """Both factors are kept."""
        return Operator(value, reads, training=self.runs.training, gradients=gradients_of(stretched), is_product=True)


def _fills_axes(shape: Shape, roles: tuple[tuple[int, ...], ...]) -> bool:
    """Whether a value without axes has more than one entry where others have them."""
    return axis_count(shape) == 0 and any(role and size > 1 for size, role in zip(shape, roles, strict=True))


def _stretch(in_size: int, out_size: int) -> Reads:
    return IDENTITY if in_size == out_size else BROADCAST


class Concat(Layer):
    """Inputs behind one another along a dimension; all other sizes must be equal. FLOPs: none."""

    type: ClassVar[str] = "concat"
    others: ClassVar[Others] = "joined"
    alias: ClassVar[str] = "cat"
    role: ClassVar[Role] = "join"
    attachments: ClassVar[tuple[str, ...]] = ("norm", "activation")

    dim: int = Field(1, description="The dimension to join along: 1, the channels of a map.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The sizes along the dimension add up."""
        if self.dim == 1:
            _refuse_channels_last(self.type, inputs)
        first = inputs[0]
        dim = dim_index(self.type, self.dim, first)
        alike = {(*shape[:dim], *shape[dim + 1 :]) for shape in inputs}
        kinds = {(roles_of(shape), len(shape), extra_of(shape)) for shape in inputs}
        if len(alike) != 1 or len(kinds) != 1:
            what = "channels" if dim == 0 else f"dimension {self.dim}"
            raise ShapeError(
                f"concat needs inputs that differ in their {what} only, but they are {_shapes_text(inputs)}"
            )
        sizes = (*first[:dim], sum(shape[dim] for shape in inputs), *first[dim + 1 :])
        role = roles_of(first)[dim]
        if len(role) < 2:
            return of_kind(first, sizes)
        # Tokens of several maps in a row are no map's: they are told as features.
        roles = tuple([CHANNELS if number == dim else own for number, own in enumerate(roles_of(first))])
        return laid(sizes, roles, without_positions(positions_of(first), role))

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Position by position; which position one along a joined axis was is not followed."""
        rank = axis_count(inputs[0])
        role = roles_of(inputs[0])[dim_index(self.type, self.dim, inputs[0])]
        if not role:
            return (pointwise(rank),) * len(inputs)
        return (tuple([UNKNOWN if axis in role else IDENTITY for axis in range(rank)]),) * len(inputs)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Nothing is kept: the gradients of its inputs are parts of its own."""
        return Runtime(training=VIEWS, autocast="copies", operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """One, in the memory format that all its inputs suggest."""
        inputs, sizes = execution.inputs, execution.sizes
        joined = one_operator(runtime, execution)
        like = {value.suggests_channels_last for value in inputs}
        return (joined._replace(value=in_format_of(sizes, inputs[0]) if len(like) == 1 else contiguous(sizes)),)
