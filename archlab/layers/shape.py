"""Shapes of values, without their batch dimension, and what a layer may say of them."""

from __future__ import annotations

Shape = tuple[int, ...]


MAP_RANK = 3
"""Dimensions of a feature map without the batch: channels, height, width."""


class ChannelsLast(tuple[int, ...]):
    """The shape of a map as (height, width, channels), which is what `channels_last` gives.

    Unequal to a plain shape of the same numbers, since layers answer differently for it.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ChannelsLast) and tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((ChannelsLast, *self))


class ShapeError(Exception):
    """The layer cannot take these input shapes.

    Attributes:
        option: the option at fault, where one is; the problem is placed there.
        hint: what to write instead.
    """

    def __init__(self, message: str, *, option: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.option = option
        self.hint = hint


def shape_text(shape: Shape) -> str:
    """`(64, 56, 56)` as `64x56x56`."""
    return "x".join(map(str, shape))


_FLAT_NORM = "layer_norm normalises features; a batch norm of features cannot be written yet"


def require_map(layer: str, shape: Shape) -> None:
    """Refuse anything but channels x height x width.

    Raises:
        ShapeError: if the input has no spatial axes, or has them in front of its channels.
    """
    if isinstance(shape, ChannelsLast):
        raise ShapeError(
            f"{layer} needs channels x height x width, but its input has the channels last: {shape_text(shape)}",
            hint="put {type: channels_first} in front of it",
        )
    if len(shape) != MAP_RANK:
        raise ShapeError(
            f"{layer} needs a map (channels x height x width), but its input is {shape_text(shape)}",
            hint=_FLAT_NORM if "_norm" in layer else "it was flattened before; move this layer in front of the flatten",
        )


def is_map(shape: Shape) -> bool:
    """Whether a shape is channels x height x width."""
    return len(shape) == MAP_RANK and not isinstance(shape, ChannelsLast)


def map_size(shape: Shape) -> tuple[int, int] | None:
    """Height and width of a map, whichever way round; None for a flat input."""
    if len(shape) != MAP_RANK:
        return None
    return (shape[0], shape[1]) if isinstance(shape, ChannelsLast) else (shape[1], shape[2])


def is_square(shape: Shape) -> bool:
    """Whether the height is the width; of a flat input, True."""
    size = map_size(shape)
    return size is None or size[0] == size[1]


def channels_of(shape: Shape) -> int:
    """The channels of a map, whichever way round, or the features of a flat input."""
    return shape[-1] if isinstance(shape, ChannelsLast) else shape[0]
