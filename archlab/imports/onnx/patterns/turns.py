"""A dimension made several, their order changed, and made one again: shuffled channels, pixels to channels and back."""

from __future__ import annotations

from typing import Any

from archlab.imports.onnx.patterns.look import Fused, Look
from archlab.imports.onnx.source import Node

Sizes = tuple[int, ...]


def _turn(look: Look, node: Node) -> Fused | None:
    turn = look.maker(node.inputs[0], "Transpose") if node.op == "Reshape" else None
    apart = None if turn is None else look.maker(turn.inputs[0], "Reshape")
    if turn is None or apart is None:
        return None
    before, inner, behind = look.sizes(apart.inputs[0]), look.sizes(apart.outputs[0]), look.sizes(node.outputs[0])
    order = turn.attributes.get("perm")
    if not before or not inner or not behind or not isinstance(order, tuple) or len(behind) != len(before):
        return None
    found = _shuffle(before, inner, order) if behind == before else _pixels(before, inner, order, behind)
    return None if found is None else Fused(found[0], found[1], apart.inputs[0], [turn, apart])


def _shuffle(before: Sizes, inner: Sizes, order: Sizes) -> tuple[str, dict[str, Any]] | None:
    """(C,) as (groups, C / groups), exchanged."""
    count = len(before)
    if order != (0, 2, 1, *range(3, count + 1)) or inner[:1] + inner[3:] != before[:1] + before[2:]:
        return None
    return ("channel_shuffle", {"groups": inner[1]}) if inner[1] * inner[2] == before[1] else None


def _pixels(before: Sizes, inner: Sizes, order: Sizes, behind: Sizes) -> tuple[str, dict[str, Any]] | None:
    """PyTorch's pixel_shuffle and pixel_unshuffle: the channels count before the places in a pixel."""
    if len(before) != 4 or len(inner) != 6:
        return None
    batch, channels, height, width = before
    factor = inner[3]
    if order == (0, 1, 4, 2, 5, 3) and inner == (batch, behind[1], factor, factor, height, width):
        is_whole = behind == (batch, behind[1], height * factor, width * factor) and channels == behind[1] * factor**2
        return ("pixel_shuffle", {"upscale_factor": factor}) if is_whole else None
    if order == (0, 1, 3, 5, 2, 4) and inner == (batch, channels, behind[2], factor, behind[3], factor):
        is_whole = behind[1] == channels * factor**2 and height == behind[2] * factor and width == behind[3] * factor
        return ("pixel_unshuffle", {"downscale_factor": factor}) if is_whole else None
    return None


def _in_order(look: Look, node: Node) -> Fused | None:
    """All elements of a value in their order, in another shape: what PyTorch's exporter makes of `as_strided`."""
    flat = look.maker(node.inputs[0], "Reshape") if node.op == "Gather" and len(node.inputs) == 2 else None
    places = look.constant(node.inputs[1]) if flat is not None else None
    sizes = None if flat is None else look.sizes(flat.outputs[0])
    if flat is None or places is None or places.array is None or sizes is None or len(sizes) != 1:
        return None
    if places.array.size != sizes[0] or any(place != number for number, place in enumerate(places.array.flat)):
        return None
    return Fused("", {}, flat.inputs[0], [flat], base=flat)


TURNS = (_turn, _in_order)
