"""What is computed of parameters and buffers alone, before an input meets it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from torch import Tensor

from archlab.torch.importing.recorder import Recorder, tensors_in

_VIEWS = ("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "reshape_as", "view_as", "data")
_COPIES = ("to", "float", "type_as", "contiguous", "clone", "detach", "expand", "expand_as")
_ORDERS = ("permute", "transpose", "swapaxes", "t", "movedim", "T", "mT")


def learn(
    recorder: Recorder,
    func: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    outputs: Sequence[Tensor],
) -> None:
    """Note what a function made of parameters and buffers, if any are among its arguments."""
    names = recorder.made_of((args, kwargs))
    if not names:
        return
    sources = list(tensors_in((args, kwargs)))
    name = recorder.tensor_name(sources[0])
    for output in outputs:
        if name is not None and len(names) == 1 and _is_view(func, args, output):
            recorder.alias(output, name)
        else:
            recorder.derive(output, names)


def _is_view(func: Callable[..., Any], args: Sequence[Any], output: Tensor) -> bool:
    """Whether the elements are those of the first argument in the same order."""
    if not args or not isinstance(args[0], Tensor):
        return False
    word, source = function_word(func), args[0]
    before, after = ([size for size in tensor.shape if size != 1] for tensor in (source, output))
    if word in _ORDERS:
        return before == after and len(before) < 2
    if word in _COPIES:
        return before == after
    if word == "getitem":
        return before == after and takes_all(args[1])
    return word in _VIEWS and prod(before) == prod(after)


def takes_all(index: Any) -> bool:
    """Whether an index only adds dimensions: `[None, :, None]`."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is Ellipsis or (isinstance(part, slice) and part == slice(None)) for part in parts)


def function_word(func: Callable[..., Any]) -> str:
    """A function's bare name: `iadd` of `Tensor.__iadd__`, `T` of the property."""
    word = getattr(func, "__name__", "")
    if word == "__get__":
        word = getattr(getattr(func, "__self__", None), "__name__", "")
    return word.strip("_") if isinstance(word, str) else ""
