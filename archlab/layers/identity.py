"""Layers that change nothing: `identity`, and what says anew what a value's dimensions hold."""

from __future__ import annotations

from typing import ClassVar

from archlab.layers.base import Layer
from archlab.layers.geometry import IDENTITY, UNKNOWN, WHOLE, AxisReads, everything
from archlab.layers.laid import CHANNELS, laid, positions_of, roles_of
from archlab.layers.runtime import VIEW, Runtime
from archlab.layers.shape import RANKS, Shape, ShapeError, axis_count, shape_text


class Identity(Layer):
    """The input, unchanged."""

    type: ClassVar[str] = "identity"
    alias: ClassVar[str] = "identity"
    torch_class: ClassVar[str] = "Identity"
    runs: ClassVar[Runtime] = VIEW


class AsMap(Identity):
    """The same values, whose dimensions are taken for channels and axes from here on, as by a generator's convolutions.

    Which positions of the input an axis has seen is not followed: unknown, and everything where its size is 1.
    """

    type: ClassVar[str] = "as_map"
    alias: ClassVar[str] = "as_map"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The same sizes, as (C, *axes)."""
        (shape,) = inputs
        if len(shape) - 1 not in RANKS:
            raise ShapeError(
                f"as_map needs channels and one to three axes, but its input is {shape_text(shape)}",
                hint="put {type: unflatten} in front of it",
            )
        return tuple(shape)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Not known; one position sees everything."""
        rank, sizes = max(axis_count(output), axis_count(inputs[0])), output[1:]
        return (tuple([UNKNOWN if sizes[axis : axis + 1] != (1,) else WHOLE for axis in range(rank)]),)


class AsChannels(Identity):
    """The same values, whose dimensions are taken for channels all of them: what is behind has no positions.

    For what takes axes apart (`unflatten` of tokens into groups) or mixes them with channels.
    """

    type: ClassVar[str] = "as_channels"
    alias: ClassVar[str] = "as_channels"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The same sizes."""
        (shape,) = inputs
        return laid(tuple(shape), (CHANNELS,) * len(shape), (1,) * len(positions_of(shape)))

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """All positions of the axes that its input has."""
        held = {axis for role in roles_of(inputs[0]) for axis in role}
        rank = len(positions_of(inputs[0]))
        return (tuple([WHOLE if axis in held else IDENTITY for axis in range(rank)]) if held else everything(rank),)
