"""Circular padding, which PyTorch makes of copies: the map into the middle, then each side from the other."""

from __future__ import annotations

from collections.abc import Sequence

from archlab.layers.operators import FIRST, Operator, whole
from archlab.layers.room import KEEPS_NOTHING, Training
from archlab.layers.strides import Value, contiguous

Sides = tuple[int, int]
"""Padding before and after a map along an axis; negative numbers cut."""


def wrapping(source: Value, padding: Sequence[Sides]) -> tuple[Operator, ...]:
    """The operators of `torch.nn.functional.pad(mode="circular")`.

    Args:
        source: what is padded.
        padding: along each axis.
    """
    sides = dict(enumerate(padding, start=2))  # by dimension, behind batch and channels
    cut = source
    steps: list[Operator] = []
    for dim, (before, after) in reversed(sides.items()):
        cut = cut.with_size(dim, cut.sizes[dim] + min(before, 0) + min(after, 0))
        steps.append(_slice(cut, len(steps) - 1 if steps else FIRST))
    grown = [size + sum(pair) for size, pair in zip(source.sizes[2:], padding, strict=True)]
    value = contiguous((*source.sizes[:2], *grown))
    # what the copy leaves of the gradient is a map of its own, of which the middle is cloned
    middle = Training(inputs=(), backward=whole(value.elements))
    steps.append(Operator(value, (len(steps) - 1,), training=middle, layout="shape"))
    for dim in reversed(sides):
        for size in sides[dim]:
            if size > 0:
                steps += _side(value.with_size(dim, size), value, len(steps) - 1)
    return tuple(steps)


def _slice(value: Value, read: int) -> Operator:
    """A part; its gradient is a map of zeros with the part's in it."""
    return Operator(value, (read,), "view", KEEPS_NOTHING, layout="shape")


def _side(part: Value, value: Value, read: int) -> list[Operator]:
    """One side overwritten by the other: the gradient is copied, the side's cloned, and zeros put in its place."""
    copied = Training(inputs=(), backward=whole(part.elements))
    return [_slice(part, read), Operator(value, (read, read + 1), "inplace", copied, layout="shape")]
