"""Parts of values: by indices, chunks, splits; and values put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.recorder import Recorder
from archlab.torch.importing.rules.arguments import Arguments, Named, Rule, by_name, only_value, whole_dim
from archlab.torch.importing.views import reshape


def _part(recorder: Recorder, value: int, dim: int, start: int, length: int, step: int = 1) -> int:
    """Some of a dimension (the batch is 0): no layer where it is all of it."""
    size = recorder.shape(value)[dim - 1]
    if (start, length) == (0, size):
        return value
    return recorder.add("narrow", {"dim": dim, "start": start, "length": length, "step": step}, (value,))


def _getitem(recorder: Recorder, args: Arguments, _kwargs: Named, result: Any) -> None:
    tensor, index = args[0], args[1] if isinstance(args[1], tuple) else (args[1],)
    value = only_value(recorder, tensor)
    used = [part for part in index if part is not None and part is not Ellipsis]
    if len(used) > tensor.dim() or not all(type(part) is int or isinstance(part, slice) for part in used):
        raise UnsaidError("it takes places by tensors or lists")
    wide = tensor.dim() - len(used)
    at = list(index).index(Ellipsis) if any(part is Ellipsis for part in index) else len(index)
    before = [part for part in index[:at] if part is not None]
    behind = [part for part in index[at + 1 :] if part is not None]
    for dim, part in enumerate([*before, *[slice(None)] * wide, *behind]):
        start, stop, step = part.indices(tensor.shape[dim]) if isinstance(part, slice) else _one(part, tensor, dim)
        if dim == 0:
            if (start, stop, step) != (0, tensor.shape[0], 1) or not isinstance(part, slice):
                raise UnsaidError("it takes some of the samples")
            continue
        # blocks of neighbours, each a part of these, are told as a whole first
        if step < 1 or start >= stop or (step > 1 and not recorder.marks):
            raise UnsaidError(f"it takes every {step}th position of dimension {dim} from {start} to {stop}")
        value = _part(recorder, value, dim, start, -(-(stop - start) // step), step)
    reshape(recorder, value, result)


def _one(part: int, tensor: Tensor, dim: int) -> tuple[int, int, int]:
    start = part + tensor.shape[dim] if part < 0 else part
    return start, start + 1, 1


def _select(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input dim index", args, kwargs)
    tensor = options["input"]
    dim = whole_dim(tensor, options["dim"])
    start = _one(options["index"], tensor, dim)[0]
    reshape(recorder, _part(recorder, only_value(recorder, tensor), dim, start, 1), result)


def _narrow(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input dim start length", args, kwargs)
    tensor = options["input"]
    dim = whole_dim(tensor, options["dim"])
    start = _one(options["start"], tensor, dim)[0]
    value = _part(recorder, only_value(recorder, tensor), dim, start, options["length"])
    recorder.bind(result, value)


def _parts(names: str) -> Rule:
    """A function that cuts a value into parts along a dimension."""

    def rule(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
        options = by_name(names, args, kwargs)
        tensor = options.get("input", options.get("tensor"))
        assert isinstance(tensor, Tensor)
        dim = whole_dim(tensor, options.get("dim", 0))
        value, start = only_value(recorder, tensor), 0
        for part in result:
            length = part.shape[dim]
            recorder.bind(part, _part(recorder, value, dim, start, length))
            start += length

    return rule


def _unbind(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input dim", args, kwargs)
    tensor = options["input"]
    dim, value = whole_dim(tensor, options.get("dim", 0)), only_value(recorder, tensor)
    for number, part in enumerate(result):
        reshape(recorder, _part(recorder, value, dim, number, 1), part)


def concat(recorder: Recorder, tensors: Sequence[Any], dim: int, result: Tensor) -> None:
    """Values behind one another along a dimension; empty ones are left out."""
    values = [only_value(recorder, one) for one in tensors]
    if len(values) == 1:
        recorder.bind(result, values[0])
    else:
        recorder.add("concat", {"dim": dim}, values, result)


def _concat(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("tensors dim", args, kwargs)
    concat(recorder, options["tensors"], whole_dim(result, options.get("dim", 0)), result)


def _stack(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    """Each value with a further dimension of size 1, and then along it."""
    options = by_name("tensors dim", args, kwargs)
    dim = whole_dim(result, options.get("dim", 0))
    values = [_with_dim(recorder, only_value(recorder, one), dim) for one in options["tensors"]]
    if len(values) == 1:
        recorder.bind(result, values[0])
    else:
        recorder.add("concat", {"dim": dim}, values, result)


def _with_dim(recorder: Recorder, value: int, dim: int) -> int:
    shape = recorder.shape(value)
    at, sizes = (dim, (1, shape[dim - 1])) if dim <= len(shape) else (dim - 1, (shape[-1], 1))
    return recorder.add("unflatten", {"dim": at, "unflattened_size": sizes}, (value,))


RULES: dict[str, Rule] = {
    "getitem": _getitem,
    "select": _select,
    "narrow": _narrow,
    "chunk": _parts("input chunks dim"),
    "split": _parts("tensor split_size_or_sections dim"),
    "split_with_sizes": _parts("input split_sizes dim"),
    "tensor_split": _parts("input indices_or_sections dim"),
    "unbind": _unbind,
    **dict.fromkeys(("cat", "concat", "concatenate"), _concat),
    "stack": _stack,
}
