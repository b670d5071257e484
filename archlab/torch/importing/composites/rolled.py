"""Dimensions that are rolled: the last entries in front of the first, as layers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.composites.strided import once
from archlab.torch.importing.recorder import Recorder


def begun_elsewhere(recorder: Recorder, value: int, places: Tensor) -> tuple[int, Tensor]:
    """A value rolled so that its first entries are those that come first in a tensor, and the places in that.

    Args:
        recorder: what has been called.
        value: in which the places are.
        places: (batch, ...), in any order but for that.
    """
    shape = tuple(recorder.shape(value))
    found, left, starts = places // prod(shape), places % prod(shape), list[int]()
    for dim, size in enumerate(shape):
        entries = left // prod(shape[dim + 1 :]) % size
        first = int(entries.reshape(-1)[0])
        starts.append(first if int(entries.min()) < first else 0)
        found = found * size + (entries - starts[-1]) % size
    return rolled(recorder, value, starts), found


def unrolled(places: Tensor) -> tuple[Tensor, list[int]]:
    """Places with the first entry of each dimension in front, and where that was.

    Raises:
        UnsaidError: if no dimension begins with another one.
    """
    starts = list[int]()
    for dim in range(1, places.dim()):
        entries = places[tuple([slice(None) if other == dim else 0 for other in range(places.dim())])]
        start = int(entries.argmin())
        is_rolled = bool((entries.roll(-start).diff() > 0).all())
        starts.append(start if is_rolled else 0)
        places = places.roll(-starts[-1], dim)
    if not any(starts):
        raise UnsaidError("no dimension is rolled")
    return places, [(size - start) % size for size, start in zip(places.shape[1:], starts, strict=True)]


def rolled(recorder: Recorder, value: int, starts: Sequence[int]) -> int:
    """A value that begins with some entry of each dimension; those in front of it come last."""
    for dim, (size, start) in enumerate(zip(tuple(recorder.shape(value)), starts, strict=True), 1):
        if not start:
            continue
        parts = [(start, size - start), (0, start)]
        said = [{"dim": dim, "start": at, "length": length} for at, length in parts]
        told = [{name: one for name, one in options.items() if (name, one) != ("dim", 1)} for options in said]
        inputs = tuple([once(recorder, "narrow", options, value) for options in told])
        value = _behind(recorder, inputs, dim)
    return value


def _behind(recorder: Recorder, inputs: tuple[int, ...], dim: int) -> int:
    """Parts behind one another, which are there already where they were needed before."""
    for number, item in enumerate(recorder.items, recorder.first):
        is_along = item.type == "concat" and item.options.get("dim", 1) == dim
        if is_along and tuple([_unmarked(recorder, one) for one in item.inputs]) == inputs:
            return number
    return recorder.add("concat", {"dim": dim}, inputs)


def _unmarked(recorder: Recorder, value: int) -> int:
    """What is taken for something else, as it was before."""
    item = recorder.items[value - recorder.first] if value >= recorder.first else None
    return item.inputs[0] if item is not None and item.type == "as_channels" else value
