"""Normalisation."""

from __future__ import annotations

from archlab.layers.base import TensorSpec

FLOAT_BYTES = 4


STATISTICS_FLOPS = 5
"""Per element: the mean's addition, the deviation, its square and their addition, times the inverse deviation."""


def affine_tensors(channels: int, *, weight: bool, bias: bool) -> tuple[TensorSpec, ...]:
    """Scale and shift of each channel."""
    names = (*(("weight",) if weight else ()), *(("bias",) if weight and bias else ()))
    return tuple([TensorSpec(name, (channels,)) for name in names])
