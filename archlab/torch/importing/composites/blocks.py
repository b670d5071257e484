"""Blocks of neighbouring positions made channels, as where Swin merges patches: `pixel_unshuffle`, in another order."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.layers.laid import roles_of
from archlab.layers.shape import Shape
from archlab.torch.importing.composites.places import numbered, orders
from archlab.torch.importing.composites.strided import once
from archlab.torch.importing.recorder import Recorder
from archlab.torch.importing.views import reshape

_AXES = 2
_DEFAULTS = (("dim", 1), ("step", 1))
"""Of `narrow`."""


def merged_blocks(recorder: Recorder, value: int, places: Tensor, result: Tensor) -> bool:
    """Whether a tensor has the blocks of a map as channels; it holds the value of that then.

    Raises:
        UnsaidError: if the dimensions behind them cannot be said.
    """
    shape, roles = recorder.shape(value), roles_of(recorder.shape(value))
    if sorted(roles) != [(), (0,), (1,)] or result.dim() != _AXES + 2:
        return False
    channels, height, width = (roles.index(role) for role in ((), (0,), (1,)))
    for block in _blocks(shape, (height, width), result):
        split = [_split(size, block, is_axis=dim != channels) for dim, size in enumerate(shape)]
        order = orders(recorder.batch, [size for several in split for size in several], places)
        if order is None:
            continue
        if (channels, height, width) != (0, 1, 2):
            value = recorder.add("permute", {"dims": (0, channels + 1, height + 1, width + 1)}, (value,))
        value = recorder.add("pixel_unshuffle", {"downscale_factor": block}, (value,))
        value = recorder.add("unflatten", {"dim": 1, "unflattened_size": (shape[channels], block, block)}, (value,))
        made = _numbers_behind(split, channels, height, width)
        value = recorder.add("permute", {"dims": (0, *[made[dim] for dim in order[1:]])}, (value,))
        reshape(recorder, value, result)
        return True
    return False


def _blocks(shape: Shape, axes: tuple[int, int], result: Tensor) -> list[int]:
    """How many rows and columns a block may have, so that a map with all of its values as channels is the result."""
    sizes, behind = [shape[axis] for axis in axes], sorted(result.shape[1:])
    channels = prod(shape) // prod(sizes)
    return [
        block
        for block in range(2, min(sizes) + 1)
        if all(size % block == 0 for size in sizes)
        and sorted([channels * block**_AXES, *[size // block for size in sizes]]) == behind
    ]


def _split(size: int, block: int, *, is_axis: bool) -> tuple[int, ...]:
    return (size // block, block) if is_axis else (size,)


def _numbers_behind(split: list[tuple[int, ...]], channels: int, height: int, width: int) -> dict[int, int]:
    """Numbers of split dimensions to those behind `pixel_unshuffle`: channels, rows and columns of a block, axes."""
    starts = [1 + sum(len(several) for several in split[:dim]) for dim in range(len(split))]
    return {
        starts[channels]: 1,
        starts[height] + 1: 2,
        starts[width] + 1: 3,
        starts[height]: 4,
        starts[width]: 5,
    }


class Part(NamedTuple):
    """Of a dimension: every so many entries from one on."""

    start: int
    length: int
    step: int


def every_nth(recorder: Recorder, value: int, places: Tensor) -> list[Part]:
    """What places are of each dimension of a value, in the same order.

    Raises:
        UnsaidError: if they are something else.
    """
    shape = tuple(recorder.shape(value))
    if places.dim() != len(shape) + 1 or places.shape[0] != recorder.batch:
        raise UnsaidError("parts in another order")
    found, sample = list[Part](), places[0]
    for dim, size in enumerate(shape):
        inner, length = prod(shape[dim + 1 :]), sample.shape[dim]
        entries = _entries(sample, dim) // inner % size
        step = int(entries[1] - entries[0]) if length > 1 else 1
        found.append(Part(int(entries[0]), length, step))
    if any(part.step < 1 for part in found):
        raise UnsaidError("parts that are turned round")
    index = [slice(part.start, part.start + part.length * part.step, part.step) for part in found]
    if not torch.equal(numbered(recorder.batch, shape)[(slice(None), *index)], places):
        raise UnsaidError("parts at other distances")
    return found


def _entries(sample: Tensor, dim: int) -> Tensor:
    """Along a dimension, where all others are at their first."""
    return sample[tuple([slice(None) if other == dim else 0 for other in range(sample.dim())])]


def narrow_to(recorder: Recorder, value: int, parts: Sequence[Part]) -> int:
    """These parts of a value."""
    for dim, (part, size) in enumerate(zip(parts, tuple(recorder.shape(value)), strict=True), 1):
        if part != Part(0, size, 1):
            options = {"dim": dim, **part._asdict()}
            said = {name: one for name, one in options.items() if (name, one) not in _DEFAULTS}
            value = once(recorder, "narrow", said, value)
    return value
