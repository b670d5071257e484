"""What to write instead of `padding: same` on a pooling layer, which PyTorch does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def pool_padding(label: str, arguments: Mapping[str, Any]) -> str:
    """A hint where a pooling layer's padding is a word, else an empty string.

    Args:
        label: the layer's type.
        arguments: as written.
    """
    word = arguments.get("padding")
    if "_pool2d" not in label or not isinstance(word, str):
        return ""
    if word == "valid":
        return "; leave it out: no padding is the default"
    wanted = _same(arguments)
    if wanted is None:
        return "; a pool pads both sides alike: write numbers, or put {type: zero_pad2d, ...} in front of it"
    (top, bottom), (left, right) = wanted
    if (top, left) == (bottom, right):
        return f"; write padding: {top if top == left else [top, left]}"
    sides = [left, right, top, bottom]
    note = ", whose zeros the maximum sees" if "max" in label else ""
    return f"; a pool pads both sides alike: put {{type: zero_pad2d, padding: {sides}}} in front of it{note}"


def _same(arguments: Mapping[str, Any]) -> list[tuple[int, int]] | None:
    """What keeps height and width, in front and behind, as PyTorch's convolutions pad; None where it is not known."""
    kernel, dilation = (_pair(arguments.get(key, 1)) for key in ("kernel_size", "dilation"))
    stride = _pair(arguments.get("stride", arguments.get("kernel_size")))
    if kernel is None or dilation is None or stride != (1, 1):
        return None
    totals = [reach * (size - 1) for size, reach in zip(kernel, dilation, strict=True)]
    return [(total // 2, total - total // 2) for total in totals]


def _pair(value: Any) -> tuple[int, int] | None:
    values = value if isinstance(value, tuple) else (value, value)
    return values if len(values) == 2 and all(type(size) is int for size in values) else None
