"""Items drawn for maps of two axes, as items for maps of one axis or of three."""

from __future__ import annotations

import random
from typing import Any

from archlab.layers import layer_types

Item = dict[str, Any]

EACH_AXIS = ("kernel_size", "stride", "dilation", "output_size", "size", "scale_factor", "output_padding")
"""Options with a value for each axis; `padding` has one or two."""
MODES = {1: {"bilinear": "linear", "bicubic": "linear"}, 3: {"bilinear": "trilinear", "bicubic": "trilinear"}}


class Exactly(list[int]):
    """Values that are those of the right number of axes already."""


class AsIs(dict[str, Any]):
    """An item that has the right number of axes already."""


class OnlyOfTwoAxesError(Exception):
    """A layer has no kin of another number of axes."""


def of_rank(item: Item, rank: int, draw: random.Random) -> Item:
    """An item for maps of `rank` axes; values for a further axis are drawn among those of the others.

    Raises:
        OnlyOfTwoAxesError: where there is none.
    """
    return (
        item
        if rank == 2 or isinstance(item, AsIs)
        else {name: _value(name, value, rank, draw) for name, value in item.items()}
    )


def _value(name: str, value: Any, rank: int, draw: random.Random) -> Any:
    if name == "mode":
        return MODES[rank].get(value, value)
    if name == "paths":
        return [_value("body", path, rank, draw) for path in value]
    if isinstance(value, dict):
        return of_rank(value, rank, draw)
    if name == "padding" and value == "same_tf" and rank == 1:
        return draw.choice(["same_tf", "causal"])
    if isinstance(value, str):
        return _type(value, rank) if name in ("type", "norm") else value
    if isinstance(value, list) and name in ("body", "shortcut"):
        return [of_rank(part, rank, draw) for part in value]
    return _sizes(name, value, rank, draw)


def _sizes(name: str, value: Any, rank: int, draw: random.Random) -> Any:
    """Values of two axes, or of the four sides of a map, as those of so many axes."""
    if not isinstance(value, list) or isinstance(value, Exactly) or name not in (*EACH_AXIS, "padding"):
        return value
    if len(value) == 2:
        known = [size for size in value if size is not None]  # of one axis, null would be alone
        return known[:1] if rank == 1 else [draw.choice(value), *value]
    return value[:2] if rank == 1 else [*value, *draw.choice([value[:2], value[2:], [0, 0]])]


def _type(name: str, rank: int) -> str:
    ranked = name.replace("2d", f"{rank}d")
    if ranked not in layer_types() and ranked not in ("residual", "branches"):
        raise OnlyOfTwoAxesError(name)
    if name in ("pixel_shuffle", "pixel_unshuffle", "deform_conv2d"):
        raise OnlyOfTwoAxesError(name)
    return ranked
