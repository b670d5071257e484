"""Sizes and strides against PyTorch's: what is contiguous, what an elementwise operator gives, what is a view."""

from __future__ import annotations

import random

import pytest
import torch
from torch import Tensor

from archlab.layers.strides import Value, in_format_of, iterated, viewed


def value_of(tensor: Tensor) -> Value:
    return Value(tuple(tensor.shape), tuple(tensor.stride()))


def drawn(draw: random.Random) -> Tensor:
    """A tensor that lies somehow: in order, with its channels innermost, with gaps, permuted."""
    sizes = [draw.choice([1, 1, 2, 3, 4]) for _ in range(draw.choice([2, 3, 4, 4, 4]))]
    whole = torch.zeros([size + draw.choice([0, 0, 0, 1]) for size in sizes])
    if len(sizes) == 4 and draw.random() < 0.4:
        whole = whole.contiguous(memory_format=torch.channels_last)
    part = whole[tuple(slice(0, size) for size in sizes)]
    dims = list(range(len(sizes)))
    if draw.random() < 0.4:
        draw.shuffle(dims)
    return part.permute(dims)


@pytest.mark.parametrize("first", range(0, 600, 50))
def test_how_values_lie(first: int) -> None:
    for seed in range(first, first + 50):
        check(seed)


def check(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - drawing sizes is no cryptography
    tensor = drawn(draw)
    value = value_of(tensor)
    assert value.is_contiguous == tensor.is_contiguous()
    if tensor.dim() == 4:
        assert value.is_channels_last == tensor.is_contiguous(memory_format=torch.channels_last)
        padded = torch.nn.functional.pad(tensor, (0, 0, 1, 0))
        assert in_format_of(tuple(padded.shape), value) == value_of(padded)
    if value.is_dense:
        assert value_of(torch.empty_like(tensor)) == value
    assert iterated(value.sizes, (value,)) == value_of(torch.sigmoid(tensor))
    other = drawn(draw).reshape(-1)[:1].expand(tensor.shape) if draw.random() < 0.3 else torch.zeros_like(tensor)
    if tensor.dim() == 4 and draw.random() < 0.5:
        other = torch.zeros(tensor.shape).contiguous(memory_format=torch.channels_last)
    assert iterated(value.sizes, (value, value_of(other))) == value_of(tensor + other)
    start = draw.randrange(tensor.dim())
    sizes = tuple(tensor.flatten(start, draw.randrange(start, tensor.dim())).shape)
    try:
        seen: Value | None = value_of(tensor.view(sizes))
    except RuntimeError:
        seen = None
    assert viewed(value, sizes) == seen
