"""What to write instead of `padding: same` on a pooling layer, which PyTorch does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archlab.layers.shape import AXIS_NAMES


def pool_padding(label: str, arguments: Mapping[str, Any]) -> str:
    """A hint where a pooling layer's padding is a word, else an empty string.

    Args:
        label: the layer's type.
        arguments: as written.
    """
    word = arguments.get("padding")
    rank = next((axes for axes in AXIS_NAMES if f"_pool{axes}d" in label), 0)
    if not rank or not isinstance(word, str):
        return ""
    if word == "valid":
        return "; leave it out: no padding is the default"
    if word.lower() not in ("same", "auto", "same_tf"):
        return f"; a pool pads both sides alike: write numbers, or put {{type: zero_pad{rank}d, ...}} in front of it"
    wanted = _same(arguments, rank)
    if wanted is not None and all(before == after for before, after in wanted):
        each = [before for before, _ in wanted]
        return f"; write padding: {each[0] if len(set(each)) == 1 else each}"
    return "; write padding: same_tf, as TensorFlow pads"


def _same(arguments: Mapping[str, Any], rank: int) -> list[tuple[int, int]] | None:
    """What keeps each axis's size, in front and behind, as PyTorch's convolutions pad; None where it is not known."""
    kernel, dilation = (_of_axes(arguments.get(key, 1), rank) for key in ("kernel_size", "dilation"))
    stride = _of_axes(arguments.get("stride", arguments.get("kernel_size")), rank)
    if kernel is None or dilation is None or stride is None or set(stride) != {1}:
        return None
    totals = [reach * (size - 1) for size, reach in zip(kernel, dilation, strict=True)]
    return [(total // 2, total - total // 2) for total in totals]


def _of_axes(value: Any, rank: int) -> tuple[int, ...] | None:
    values = value if isinstance(value, tuple) else (value,) * rank
    return values if len(values) == rank and all(type(size) is int for size in values) else None
