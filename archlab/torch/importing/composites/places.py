"""Where the elements of a tensor lie in a value: numbers that go the same way as the tensor did."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.learned import function_word
from archlab.torch.importing.recorder import Recorder

VIEWS = frozenset(
    {"view", "reshape", "permute", "transpose", "flatten", "unflatten", "squeeze", "unsqueeze", "contiguous", "chunk"}
    | {"split", "unbind", "getitem", "roll", "select", "narrow", "movedim", "swapaxes", "clone", "T", "mT"}
    | {"tensor_split", "split_with_sizes", "expand", "repeat_interleave"}
)
"""Functions that only move elements, or repeat them."""

MOST_PLACES = 1 << 26
"""Elements whose places are followed."""

_STEPS = frozenset({"flatten", "unflatten", "permute", "transpose", "narrow", "channels_last", "channels_first"})
"""Layers that only move elements."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Attention whose projection is still to come.

    Attributes:
        projected: the value of queries, keys and values.
        options: of `self_attention`, as far as they are known.
        tensors: of the operation, by its own names.
        on_map: whether it is attention of the map that the tokens in front of it are of.
    """

    projected: int
    options: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    on_map: bool = False


@dataclass(frozen=True, slots=True)
class Folded:
    """A tensor as elements of a value.

    Attributes:
        value: its number; of attention that of queries, keys and values, where the result is not there yet.
        places: for each element of the tensor its place in the value, the samples in front.
        factor: that the tensor has been multiplied with.
        pending: attention that the tensor is the result of, before its projection.
    """

    value: int
    places: Tensor
    factor: float = 1.0
    pending: Pending | None = None

    def moved(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Folded]:
        """What a function that moves elements makes of it."""
        made = func(self.places, *args[1:], **kwargs)
        return [replace(self, places=one) for one in (made if isinstance(made, tuple | list) else (made,))]


@dataclass(frozen=True, slots=True)
class Padded:
    """A tensor as elements of a value, with zeros among them.

    Attributes:
        value: its number.
        places: for each element of the tensor its place in the value, or `ZERO`.
    """

    value: int
    places: Tensor


@dataclass(frozen=True, slots=True)
class Sliding:
    """A tensor as a map whose rows are in windows, of so many rows each, that may overlap: `map.unfold(2, size, step)`.

    Attributes:
        value: the map's number.
        size: rows of a window.
        step: rows from one to the next.
    """

    value: int
    size: int
    step: int


ZERO = -1


def numbered(batch: int, shape: Sequence[int]) -> Tensor:
    """The places of a value's elements, where they are.

    Raises:
        UnsaidError: if they are too many to be followed one by one.
    """
    if batch * prod(shape) > MOST_PLACES:
        raise UnsaidError(f"a value of {batch * prod(shape):,} elements is not followed one by one")
    return torch.arange(batch * prod(shape), device="cpu").reshape(batch, *shape)


def is_view(func: Callable[..., Any], args: Sequence[Any]) -> bool:
    """Whether a call only moves the elements of its first argument."""
    word = function_word(func)
    return word in VIEWS and not any(isinstance(one, Tensor) for one in _flat(args[1:]))


def _flat(value: Any) -> list[Any]:
    return [inner for one in value for inner in _flat(one)] if isinstance(value, tuple | list) else [value]


def origin(recorder: Recorder, value: int) -> Folded:
    """A value as elements of the one that views were made of."""
    steps, factor = [], 1.0
    while True:
        item = recorder.items[value - recorder.first] if value >= recorder.first else None
        if item is None or item.share is not None:
            break
        if item.type == "scale":
            factor *= item.options["factor"]
        elif item.type in _STEPS:
            steps.append(item)
        else:
            break
        (value,) = item.inputs
    places = numbered(recorder.batch, recorder.shape(value))
    for item in reversed(steps):
        places = _stepped(item.type, item.options, places, item.shape)
    return Folded(value, places, factor)


def _stepped(layer_type: str, options: Mapping[str, Any], places: Tensor, shape: tuple[int, ...]) -> Tensor:
    if layer_type == "permute":
        return places.permute(*options["dims"])
    if layer_type == "transpose":
        return places.transpose(options["dim0"], options["dim1"])
    if layer_type == "narrow":
        start, length, step = options["start"], options["length"], options.get("step", 1)
        taken = torch.arange(start, start + length * step, step)
        return places.index_select(options.get("dim", 1), taken)
    if layer_type == "channels_last":
        return places.movedim(1, -1)
    if layer_type == "channels_first":
        return places.movedim(-1, 1)
    return places.reshape(places.shape[0], *shape)


def rows_of(places: Tensor, width: int) -> Tensor | None:
    """For each vector along the last dimension the row of a value that it is; None where it is none.

    Args:
        places: of the tensor.
        width: of the value's last dimension.
    """
    if places.shape[-1] != width:
        return None
    rows = places[..., 0] // width
    is_whole = torch.equal(places, rows[..., None] * width + torch.arange(width))
    return rows if is_whole else None


def along_rows(rows: Tensor, width: int) -> Tensor:
    """Places of all elements of rows."""
    return rows[..., None] * width + torch.arange(width)


def as_tokens(recorder: Recorder, value: int) -> int:
    """A value whose positions are one dimension, with its channels last: (..., C) as (positions, C), in their order."""
    dims = len(recorder.shape(value))
    return recorder.add("flatten", {"end_dim": dims - 1}, (value,)) if dims > _TOKENS else value


_TOKENS = 2
"""Dimensions of a sample's tokens: positions and channels."""


def unstretched(places: Tensor) -> Tensor:
    """The places without those that are the same all along a dimension behind the samples, which is of size 1 then."""
    for dim in range(1, places.dim()):
        first = places.narrow(dim, 0, 1)
        if places.shape[dim] > 1 and torch.equal(first.expand_as(places), places):
            places = first
    return places


def to_absolute(recorder: Recorder, value: int, places: Tensor) -> tuple[int, Tensor] | None:
    """Places in a value of scores for relative places as those in `relative_to_absolute` of it; None if they are none.

    Args:
        recorder: what has been called.
        value: (..., queries, 2 keys - 1).
        places: in it.

    Returns:
        The value of the scores for keys, and the places in that.
    """
    shape = recorder.shape(value)
    if len(shape) < 2 or shape[-1] % 2 == 0:
        return None
    queries, keys = shape[-2], (shape[-1] + 1) // 2
    if not 1 < queries <= keys:
        return None
    entry = torch.arange(keys) - torch.arange(queries)[:, None] + keys - 1
    all_places = numbered(recorder.batch, shape)
    taken = all_places.gather(-1, entry.expand(*all_places.shape[:-2], -1, -1)).reshape(-1)
    where = torch.full((all_places.numel(),), ZERO)
    where[taken] = torch.arange(taken.numel())
    found = where[places]
    if bool((found == ZERO).any()):
        return None
    return recorder.add("relative_to_absolute", {}, (value,)), found


def narrowed(recorder: Recorder, value: int, places: Tensor) -> tuple[int, Tensor]:
    """A part of a value in which all places lie, as the tokens behind a class token's, and the places in that."""
    shape, elements = tuple(recorder.shape(value)), prod(recorder.shape(value))
    samples, left = places // elements, places % elements
    sizes, entries = list[int](), list[Tensor]()
    for dim, size in enumerate(shape, 1):
        step = prod(shape[dim:])
        entry, left = left // step, left % step
        first, count = int(entry.min()), int(entry.max()) - int(entry.min()) + 1
        if count < size:
            value = recorder.add("narrow", {"dim": dim, "start": first, "length": count}, (value,))
        sizes.append(count)
        entries.append(entry - first)
    found = samples
    for size, entry in zip(sizes, entries, strict=True):
        found = found * size + entry
    return value, found


def orders(batch: int, shape: Sequence[int], places: Tensor) -> tuple[int, ...] | None:
    """The order of a value's dimensions, the batch in front, in which its elements lie as in a tensor; None if none.

    The only order that can be is told by where a few elements lie, and all of them are compared with that alone.
    """
    flat = places.reshape(-1)
    if flat.numel() != batch * prod(shape):
        return None
    wide = {prod(shape[dim + 1 :]): dim + 1 for dim, size in enumerate(shape) if size > 1}
    found, step = list[int](), 1
    while wide:
        dim = wide.pop(int(flat[step] - flat[0]), None)
        if dim is None:
            return None
        found.insert(0, dim)
        step *= shape[dim - 1]
    order = (0, *[dim for dim, size in enumerate(shape, 1) if size == 1], *found)
    return order if torch.equal(numbered(batch, shape).permute(order).reshape(-1), flat) else None
