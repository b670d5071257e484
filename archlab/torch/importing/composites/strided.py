"""Elements of a value at even distances, as layers: dimensions taken apart, parts of them, another order."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.imports.views import view_steps
from archlab.torch.importing.recorder import Recorder


@dataclass
class _Segment:
    """Entries of a value at one distance.

    Attributes:
        step: elements from one to the next.
        size: how many there are.
        start: the first that is taken.
        length: how many are.
        dim: of the tensor that takes them; None where one alone is taken.
    """

    step: int
    size: int
    start: int = 0
    length: int = 1
    dim: int | None = None


def strided(recorder: Recorder, value: int, places: Tensor) -> int:
    """A value whose elements are those at some places of another one, the samples in front.

    Args:
        recorder: what has been called; layers are added.
        value: the other one.
        places: (batch, ...).

    Raises:
        UnsaidError: if they do not lie at even distances, or the dimensions hold positions that would be taken apart.
    """
    shape, sizes = recorder.shape(value), tuple(places.shape[1:])
    places = places.reshape(places.shape[0], *_even(places))
    start, strides = _distances(recorder.batch, prod(shape), places)
    segments = _segments(shape, strides)
    _take(segments, start, strides, tuple(places.shape[1:]))
    value, order = _cut(recorder, value, shape, segments)
    wanted = sorted(range(len(order)), key=lambda number: _rank(order[number]))
    if wanted != sorted(wanted):
        value = once(recorder, "permute", {"dims": (0, *[number + 1 for number in wanted])}, value)
    for layer_type, options in view_steps(tuple(recorder.shape(value)), sizes):
        value = once(recorder, layer_type, options, value)
    return value


def once(recorder: Recorder, layer_type: str, options: Mapping[str, Any], value: int) -> int:
    """A layer without tensors of a value, which is there already where it was needed before."""
    for number, item in enumerate(recorder.items[max(0, value - recorder.first) :], max(value, recorder.first)):
        if item.type == layer_type and item.inputs == (value,) and item.share is None:
            given = {name: item.options.get(name) for name in options}
            if given == dict(options) and len(item.options) <= len(options):
                return number
    return recorder.add(layer_type, options, (value,))


def _even(places: Tensor) -> list[int]:
    """The sizes of a sample with each dimension taken apart until its entries lie at even distances: those of windows.

    Raises:
        UnsaidError: if that is not to be had.
    """
    sizes = list[int]()
    for dim in range(1, places.dim()):
        offsets = places[(0, *[slice(None) if other == dim else 0 for other in range(1, places.dim())])]
        sizes += _runs(offsets)
    return sizes


def _runs(offsets: Tensor) -> list[int]:
    count = offsets.numel()
    if count == 1:
        return [1]
    breaks = (offsets.diff() != offsets[1] - offsets[0]).nonzero()
    run = int(breaks[0]) + 1 if breaks.numel() else count
    if count % run or run == 1:
        raise UnsaidError("folded samples that lie at no even distances")
    return [count] if run == count else [*_runs(offsets[::run]), run]


def _distances(batch: int, elements: int, places: Tensor) -> tuple[int, list[int]]:
    """The first place, and the distance along each dimension of a sample; 0 where there is one entry.

    Raises:
        UnsaidError: if they are not the same everywhere, or samples are not apart.
    """
    if places.dim() < 2 or places.shape[0] != batch:
        raise UnsaidError("folded samples that do not lie apart")
    sample = places[0]
    start, strides = int(sample.reshape(-1)[0]), list[int]()
    expected = torch.arange(batch).reshape(batch, *(1,) * sample.dim()) * elements + start
    for dim, size in enumerate(sample.shape):
        step = int(sample.narrow(dim, 1, 1).reshape(-1)[0]) - start if size > 1 else 0
        strides.append(step)
        along = [1] * places.dim()
        along[dim + 1] = size
        expected = expected + torch.arange(size).reshape(along) * step
    if start >= elements or not torch.equal(expected.expand_as(places), places):
        raise UnsaidError("folded samples that lie at no even distances")
    if any(step <= 0 for step, size in zip(strides, sample.shape, strict=True) if size > 1):
        raise UnsaidError("folded samples that are stretched or turned round")
    return start, strides


def _segments(shape: Sequence[int], strides: Sequence[int]) -> list[_Segment]:
    """A value's elements as the finest dimensions that both it and the tensor have, the outermost first."""
    own = [prod(shape[dim + 1 :]) for dim in range(len(shape))]
    edges = sorted({prod(shape), 1, *own, *[step for step in strides if step]}, reverse=True)
    if any(outer % inner for outer, inner in itertools.pairwise(edges)):
        raise UnsaidError("folded samples whose dimensions overlap")
    return [_Segment(inner, outer // inner) for outer, inner in itertools.pairwise(edges)]


def _take(segments: Sequence[_Segment], start: int, strides: Sequence[int], sizes: Sequence[int]) -> None:
    """Say which entries the tensor takes of each, and which of its dimensions does."""
    for one in segments:
        one.start = start // one.step % one.size
    for dim, (step, size) in enumerate(zip(strides, sizes, strict=True)):
        left, number = size, next((n for n, one in enumerate(segments) if one.step == step), -1)
        while left > 1:
            one = segments[number]
            length = min(left, one.size)
            is_last = length == left
            if number < 0 or one.dim is not None or (not is_last and (left % length or one.start)):
                raise UnsaidError("folded samples whose dimensions overlap")
            one.dim, one.length, left, number = dim, length, left // length, number - 1
            if one.start + one.length > one.size:
                raise UnsaidError("folded samples whose dimensions overlap")


def _cut(
    recorder: Recorder, value: int, shape: Sequence[int], segments: Sequence[_Segment]
) -> tuple[int, list[_Segment | None]]:
    """The value with a dimension for each segment, of which what is taken is left; None for dimensions of size 1."""
    order = list[_Segment | None]()
    for dim, size in enumerate(shape):
        step = prod(shape[dim + 1 :])
        own = [one for one in segments if size > 1 and step <= one.step < step * size]
        if len(own) > 1:
            sizes = tuple([one.size for one in own])
            value = once(recorder, "unflatten", {"dim": len(order) + 1, "unflattened_size": sizes}, value)
        order += own or [None]
    for number, segment in enumerate(order):
        if segment is not None and segment.length < segment.size:
            options = {"dim": number + 1, "start": segment.start, "length": segment.length}
            value = once(
                recorder, "narrow", {name: one for name, one in options.items() if (name, one) != ("dim", 1)}, value
            )
    return value, order


def _rank(segment: _Segment | None) -> tuple[int, int]:
    """Where a dimension stands: as in the tensor, those of size 1 last."""
    if segment is None or segment.dim is None:
        return 1 << 30, 0
    return segment.dim, -segment.step
