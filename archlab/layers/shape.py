"""Shapes of values, without their batch dimension, and what a layer may say of them."""

from __future__ import annotations

Shape = tuple[int, ...]


AXIS_NAMES: dict[int, tuple[str, ...]] = {
    1: ("length",),
    2: ("height", "width"),
    3: ("depth", "height", "width"),
}
"""By number of axes: what each is called, in the order of a shape."""

UNIT_NAMES: dict[int, tuple[str, ...]] = {1: ("positions",), 2: ("rows", "columns"), 3: ("slices", "rows", "columns")}
"""By number of axes: what the units along each are called."""

RANKS = (2,)
"""Numbers of axes that a map may have."""

MAP_RANK = 3
"""Dimensions of an image's map without the batch: channels, height, width."""


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


def require_map(layer: str, shape: Shape, rank: int = 2) -> None:
    """Refuse anything but a map of so many axes, the channels first.

    Raises:
        ShapeError: if the input has no spatial axes, or has them in front of its channels.
    """
    if isinstance(shape, ChannelsLast):
        raise ShapeError(
            f"{layer} needs {_map_text(rank)}, but its input has the channels last: {shape_text(shape)}",
            hint="put {type: channels_first} in front of it",
        )
    if len(shape) != rank + 1:
        raise ShapeError(
            f"{layer} needs a map ({_map_text(rank)}), but its input is {shape_text(shape)}",
            hint=_FLAT_NORM if "_norm" in layer else "it was flattened before; move this layer in front of the flatten",
        )


def _map_text(rank: int) -> str:
    return " x ".join(("channels", *AXIS_NAMES[rank]))


def is_map(shape: Shape) -> bool:
    """Whether a shape is channels x axes, such as channels x height x width."""
    return len(shape) - 1 in RANKS and not isinstance(shape, ChannelsLast)


def map_size(shape: Shape) -> tuple[int, ...] | None:
    """The sizes of a map's axes, whichever way round; None for a flat input."""
    if len(shape) - 1 not in RANKS:
        return None
    return shape[:-1] if isinstance(shape, ChannelsLast) else shape[1:]


def axis_count(shape: Shape) -> int:
    """How many axes a value has; 0 where it is flat."""
    return len(shape) - 1 if len(shape) - 1 in RANKS else 0


def is_even(shape: Shape) -> bool:
    """Whether all axes are of one size; of a flat input, True."""
    return len(set(map_size(shape) or ())) <= 1


def channels_of(shape: Shape) -> int:
    """The channels of a map, whichever way round, or the features of a flat input."""
    return shape[-1] if isinstance(shape, ChannelsLast) else shape[0]
