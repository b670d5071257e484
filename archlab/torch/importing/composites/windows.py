"""Which options of `self_attention` say what queries meet which keys, told by where their elements come from."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from archlab.layers.laid import ChannelsLast
from archlab.layers.shape import Shape
from archlab.torch.importing.composites.places import numbered
from archlab.torch.modules.attention import WindowAttention

PARTS = 3
"""Queries, keys and values."""


class Heads(NamedTuple):
    """Queries, keys and values of all heads.

    Attributes:
        rows: for each group of tokens that meet one another, and each of its tokens, its row in the value.
        num_heads: heads.
        width: channels of a head.
        head_first: whether queries, keys and values of a head lie together.
    """

    rows: Tensor
    num_heads: int
    width: int
    head_first: bool


def heads_of(query: Tensor, key: Tensor, value: Tensor, inner: int) -> Heads | None:
    """What the places of queries, keys and values say; None where it is something else.

    Args:
        query: places (groups, heads, tokens, width).
        key: of the keys.
        value: of the values.
        inner: channels of all heads.
    """
    if query.dim() != 4 or query.shape != key.shape or query.shape != value.shape:
        return None
    _, num_heads, _, width = query.shape
    if num_heads * width != inner:
        return None
    rows = query[:, 0, :, 0] // (PARTS * inner)
    for head_first in (False, True):
        channels = torch.arange(PARTS * inner)
        if head_first:
            split = channels.reshape(num_heads, PARTS, width).transpose(0, 1)
        else:
            split = channels.reshape(PARTS, num_heads, width)
        wanted = [rows[:, None, :, None] * (PARTS * inner) + part[None, :, None, :] for part in split]
        if all(torch.equal(one, other) for one, other in zip((query, key, value), wanted, strict=True)):
            return Heads(rows, num_heads, width, head_first)
    return None


def windows_of(rows: Tensor, batch: int, shape: Shape, *, ordered: bool) -> dict[str, Any] | None:
    """The options that make these groups of tokens; None where there are none.

    Args:
        rows: (groups, tokens).
        batch: samples.
        shape: of the value whose rows they are.
        ordered: whether tokens must lie in a group as archlab has them, as for their relative positions.
    """
    size = tuple(shape[:-1])
    if rows.numel() != batch * prod(size):
        return None
    everything = torch.arange(rows.numel()).reshape(batch, -1)
    if rows.shape[0] == batch and _alike(rows, everything, ordered=ordered):
        return {}
    if not isinstance(shape, ChannelsLast):
        return None
    for options in _candidates(rows, size):
        module = _module(size, options)
        found = module.windows(numbered(batch, (*size, PARTS)))[0, :, 0, :, 0] // PARTS
        if found.shape == rows.shape and _alike(rows, found, ordered=ordered):
            return options
    return None


def _alike(rows: Tensor, others: Tensor, *, ordered: bool) -> bool:
    """Whether they are the same groups, in any order."""
    if not ordered:
        rows, others = rows.sort(dim=1).values, others.sort(dim=1).values
    return torch.equal(rows[rows[:, 0].argsort()], others[others[:, 0].argsort()])


def _candidates(rows: Tensor, size: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """Windows of so many tokens, shifted by where the first token of all lies; and grids."""
    tokens, first = rows.shape[1], int(rows[0, 0])
    for window in _windows(size, tokens):
        shift = first % size[-1]
        short: Any = window[0] if len(set(window)) == 1 else window
        yield {"window_size": short} | ({"shift_size": shift} if 0 < shift < min(window) else {})
    for step in range(2, min(size) + 1):
        if all(axis % step == 0 for axis in size) and prod([axis // step for axis in size]) == tokens:
            yield {"dilation": step}


def _windows(size: tuple[int, ...], tokens: int) -> Iterator[tuple[int, ...]]:
    if not size:
        if tokens == 1:
            yield ()
        return
    for part in range(1, size[0] + 1):
        if size[0] % part == 0 and tokens % part == 0:
            for others in _windows(size[1:], tokens // part):
                yield (part, *others)


def _module(size: tuple[int, ...], options: dict[str, Any]) -> WindowAttention:
    """archlab's own, of one head of one channel."""
    step, window = options.get("dilation", 1), options.get("window_size", size)
    window = (window,) * len(size) if isinstance(window, int) else window
    window = tuple([axis // step for axis in size]) if step > 1 else window
    shift = [0 if axis == part else options.get("shift_size", 0) for axis, part in zip(size, window, strict=True)]
    return WindowAttention(list(size), 1, list(window), shift if any(shift) else None, dilated=step > 1)
