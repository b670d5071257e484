"""Values whose last rows and columns are written over, as scores of attention get biases behind a class token's."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.recorder import Recorder
from archlab.torch.importing.rules.arguments import only_value


def assigned(recorder: Recorder, tensor: Tensor, index: Any, given: Tensor) -> int:
    """What a tensor holds behind `tensor[:, :, start:, start:] = given`.

    Args:
        recorder: what has been called.
        tensor: the one that is written to, its samples in front.
        index: slices, all to the end.
        given: of the shape of what is written over.

    Raises:
        UnsaidError: if it is another part, or none of these is known.
    """
    starts = _starts(index, tensor.dim())
    if tuple(given.shape) != tuple([size - start for size, start in zip(tensor.shape, starts, strict=True)]):
        raise UnsaidError("what is written is stretched")
    written, value = only_value(recorder, given), recorder.value(tensor)
    if not any(starts):
        return written
    if value is None or any(starts[:-2]) or not recorder.fits(tensor):
        raise UnsaidError("it is written to another part than the last rows and columns")
    rows, columns = starts[-2:]
    last = tensor.dim() - 1
    if columns:
        beside = _first(recorder, _rest(recorder, value, last - 1, rows), last, columns)
        written = recorder.add("concat", {"dim": last}, (beside, written))
    if rows:
        written = recorder.add("concat", {"dim": last - 1}, (_first(recorder, value, last - 1, rows), written))
    return written


def _starts(index: Any, dims: int) -> list[int]:
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        parts[at : at + 1] = [slice(None)] * (dims - len(parts) + 1)
    parts += [slice(None)] * (dims - len(parts))
    if len(parts) != dims or not all(isinstance(one, slice) and one.stop is None and one.step is None for one in parts):
        raise UnsaidError("it is written to places by numbers or tensors")
    starts = [one.start or 0 for one in parts]
    if min(starts) < 0:
        raise UnsaidError("it is written to places that count from behind")
    return starts


def _first(recorder: Recorder, value: int, dim: int, count: int) -> int:
    return recorder.add("narrow", {"dim": dim, "start": 0, "length": count}, (value,))


def _rest(recorder: Recorder, value: int, dim: int, start: int) -> int:
    size = recorder.shape(value)[dim - 1]
    if not start:
        return value
    return recorder.add("narrow", {"dim": dim, "start": start, "length": size - start}, (value,))
