"""Convolutions whose weights each sample has of its own (CondConv, modulated and dynamic convolutions).

They are run with the samples' channels beside one another, `conv2d(x.reshape(1, n * c, h, w), weights, groups=n)`. For
one sample that is a product of its weights, as a matrix, and of the windows of its map: as many MACs.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.composites.places import ZERO
from archlab.torch.importing.composites.strided import once
from archlab.torch.importing.recorder import Recorder

_AXES = 2


def inside(places: Tensor) -> tuple[Tensor, tuple[int, int, int, int]]:
    """The places without zeros around them, and how many of these there are, as `pad` has them.

    Args:
        places: (..., rows, columns), or `ZERO`.

    Raises:
        UnsaidError: if there are zeros elsewhere.
    """
    held = places != ZERO
    rows, columns = (held.flatten(0, -3).any(0).any(dim).nonzero().flatten() for dim in (1, 0))
    if not rows.numel():
        raise UnsaidError("a map of zeros")
    top, left, bottom, right = (int(one) for one in (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1))
    found = places[..., top:bottom, left:right]
    if bool((found == ZERO).any()):
        raise UnsaidError("zeros inside of a map")
    return found, (left, places.shape[-1] - right, top, places.shape[-2] - bottom)


def convolved(recorder: Recorder, source: int, weight: int, options: Mapping[str, Any], size: tuple[int, ...]) -> int:
    """A map convolved with a value as its weights.

    Args:
        recorder: what has been called.
        source: the map.
        weight: (groups, filters of a group, elements of a filter), without groups where there is one.
        options: of the convolution, with its kernel_size.
        size: rows and columns that come out.

    Raises:
        UnsaidError: if an option is a word, or there is no such layer.
    """
    windows = {name: options[name] for name in ("kernel_size", "stride", "padding", "dilation") if name in options}
    if any(isinstance(one, str) for one in windows.values()):
        raise UnsaidError(f"padding={windows['padding']} of samples with weights of their own")
    if _is_pointwise(windows):
        columns = once(recorder, "flatten", {"start_dim": 2}, source)
    else:
        columns = recorder.add("unfold", windows, (source,))
    *groups, _, _ = recorder.shape(weight)
    if groups:
        rows, _ = recorder.shape(columns)
        parts = {"dim": 1, "unflattened_size": (*groups, rows // prod(groups))}
        columns = recorder.add("unflatten", parts, (columns,))
    made = recorder.add("matmul", {}, (weight, columns))
    if groups:
        made = recorder.add("flatten", {"end_dim": 2}, (made,))
    return recorder.add("unflatten", {"dim": 2, "unflattened_size": size}, (made,))


def _is_pointwise(windows: Mapping[str, Any]) -> bool:
    """Whether each position is read once, in order."""
    usual = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}
    return all(set(_listed(one)) == {usual[name]} for name, one in windows.items() if name != "dilation")


def _listed(value: Any) -> list[int]:
    return [value] if isinstance(value, int) else list(value)


def by_sample(tensor: Tensor, batch: int) -> Tensor:
    """Places of (1, samples x channels, rows, columns) as those of samples with their channels.

    Raises:
        UnsaidError: if it has another form.
    """
    if tensor.dim() != _AXES + 2 or tensor.shape[0] != 1 or tensor.shape[1] % batch:
        raise UnsaidError("a convolution of samples that do not have their channels beside one another")
    return tensor.reshape(batch, -1, *tensor.shape[2:])


def as_matrices(places: Tensor, batch: int, groups: int) -> Tensor:
    """Places of filters (samples x filters, channels, rows, columns) as matrices, one for each group if several.

    Raises:
        UnsaidError: if filters are not those of samples.
    """
    if groups % batch or places.shape[0] % groups or places.dim() != _AXES + 2:
        raise UnsaidError("a convolution whose groups are not those of samples")
    parts = groups // batch
    matrices = places.reshape(batch, parts, places.shape[0] // groups, prod(places.shape[1:]))
    return matrices.squeeze(1) if parts == 1 else matrices


def as_result(batch: int, shape: tuple[int, ...]) -> Tensor:
    """Where the elements of what comes out lie, (1, samples x channels, rows, columns)."""
    channels, *size = shape
    return torch.arange(batch * prod(shape)).reshape(1, batch * channels, *size)
