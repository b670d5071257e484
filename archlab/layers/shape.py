"""Shapes of values, without their batch dimension, and what a layer may say of them."""

from __future__ import annotations

from archlab.layers.laid import ChannelsLast, Laid, laid

Shape = tuple[int, ...]


AXIS_NAMES: dict[int, tuple[str, ...]] = {
    1: ("length",),
    2: ("height", "width"),
    3: ("depth", "height", "width"),
}
"""By number of axes: what each is called, in the order of a shape."""

UNIT_NAMES: dict[int, tuple[str, ...]] = {1: ("positions",), 2: ("rows", "columns"), 3: ("slices", "rows", "columns")}
"""By number of axes: what the units along each are called."""

FLAT_AXES = 2
"""Axes that are told of a network whose input has none: each unit sees the whole of them."""

RANKS = tuple(AXIS_NAMES)
"""Numbers of axes that a map may have."""


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


def shape_words(rank: int) -> str:
    """What the numbers of a map's shape are: `channels, height, width`."""
    return ", ".join(("channels", *AXIS_NAMES[rank]))


def shape_text(shape: Shape) -> str:
    """`(64, 56, 56)` as `64x56x56`."""
    return "x".join(map(str, shape))


_FLAT_NORM = "batch_norm1d and layer_norm normalise features"


def require_map(layer: str, shape: Shape, rank: int = 0) -> None:
    """Refuse anything but a map of so many axes (0: of any number), the channels first.

    Raises:
        ShapeError: if the input has no spatial axes, or has them in front of its channels.
    """
    if isinstance(shape, ChannelsLast):
        raise ShapeError(
            f"{layer} needs {_map_text(rank or len(shape) - 1)}, but its input has the channels last: "
            f"{shape_text(shape)}",
            hint="put {type: channels_first} in front of it",
        )
    if axis_count(shape) == 0 or isinstance(shape, Laid):
        hint = _FLAT_NORM if "_norm" in layer else "it was flattened before; move this layer in front of the flatten"
        if isinstance(shape, Laid):
            hint = "its dimensions are not channels, then axes; undo the flatten, transpose or permute in front of it"
        raise ShapeError(f"{layer} needs a map ({_map_text(rank)}), but its input is {shape_text(shape)}", hint=hint)
    if rank and len(shape) != rank + 1:
        raise ShapeError(
            f"{layer} needs a map of {_count_text(rank)} ({_map_text(rank)}), but its input {shape_text(shape)} has "
            f"{_count_text(len(shape) - 1)}: {_map_text(len(shape) - 1)}",
            hint=_rank_hint(layer, rank, shape),
        )


OF_TWO_AXES = (
    *("deform_conv2d", "softmax2d", "layer_norm2d", "rms_norm2d", "filter_response_norm2d"),
    *("evo_norm2d_b0", "evo_norm2d_s0"),
)
"""Layers without twins of one and of three axes."""


def _rank_hint(layer: str, rank: int, shape: Shape) -> str | None:
    twin = layer.replace(f"{rank}d", f"{len(shape) - 1}d")
    batch = f"leave the {shape[0]} out if it is a batch" if len(shape) == rank + 2 else ""
    instead = f"use {twin}" if twin != layer and layer not in OF_TWO_AXES else ""
    return ", or ".join(filter(None, [batch, instead])) or None


def _count_text(rank: int) -> str:
    return {1: "one axis", 2: "two axes", 3: "three axes"}[rank]


def _map_text(rank: int) -> str:
    return " x ".join(("channels", *AXIS_NAMES[rank])) if rank else "channels, then one to three axes"


def is_map(shape: Shape) -> bool:
    """Whether a shape is channels x axes, such as channels x height x width."""
    return len(shape) - 1 in RANKS and not isinstance(shape, Laid)


def map_size(shape: Shape) -> tuple[int, ...] | None:
    """The sizes of a map's axes, however it lies; None for a flat input, or where no dimension holds an axis."""
    if isinstance(shape, Laid):
        return shape.positions if any(shape.roles) else None
    return shape[1:] if len(shape) - 1 in RANKS else None


def size_along(shape: Shape, rank: int) -> tuple[int, ...] | None:
    """The sizes of a map's axes where they can be those of an input; None of any other value.

    Axes of another number than the input's are no axes of it: what leads from it to such a map has lost its positions
    on the way, in a flat value or where everything is attended to, and each unit sees all of it, as of a flat value.

    Args:
        shape: of the value.
        rank: how many axes the input has.
    """
    size = map_size(shape)
    return size if size is not None and len(size) == rank else None


def main_axis(rank: int) -> int:
    """The axis that is told where one stands for all: the height, or the only one."""
    return max(0, rank - 2)


def axis_count(shape: Shape) -> int:
    """How many axes a value has; 0 where it is flat."""
    return len(map_size(shape) or ())


def is_even(shape: Shape) -> bool:
    """Whether all axes are of one size; of a flat input, True."""
    return len(set(map_size(shape) or ())) <= 1


def channels_of(shape: Shape) -> int:
    """The channels of a map, whichever way round, or the features of a flat input."""
    return shape.channels if isinstance(shape, Laid) else shape[0]


def of_kind(shape: Shape, sizes: tuple[int, ...]) -> Shape:
    """Other sizes, whose dimensions hold what they do in a shape."""
    if not isinstance(shape, Laid):
        return sizes
    positions = list(shape.positions)
    for size, role in zip(sizes, shape.roles, strict=True):
        if len(role) == 1:
            positions[role[0]] = size - shape.extra
    return laid(sizes, shape.roles, tuple(positions), shape.extra)
