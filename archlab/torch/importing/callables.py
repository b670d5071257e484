"""Functions of PyTorch's: what they are called in code, and the arguments of a call by their names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import isfinite
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload, OpOverloadPacket

from archlab.torch.importing.recorder import tensors_in

_PLACES: tuple[tuple[str, Any], ...] = (
    ("torch", torch),
    ("torch.nn.functional", torch.nn.functional),
    ("torch.Tensor", Tensor),
)
_OPERATORS = {"iadd": "add", "isub": "sub", "imul": "mul", "itruediv": "div", "truediv": "div", "rtruediv": "div"}
"""Words of Python's operators to those of PyTorch's functions, where they differ."""


@cache
def function_name(func: Callable[..., Any]) -> str:
    """A function as code names it, by a path that leads to it where there is one: `torch.roll`."""
    word = getattr(func, "__name__", type(func).__name__)
    if word == "__get__":  # a property, as `x.T`
        return f"torch.Tensor.{getattr(getattr(func, '__self__', None), '__name__', 'attribute')}"
    if isinstance(func, OpOverloadPacket | OpOverload):
        return str(func).replace("aten.", "torch.ops.aten.", 1) if "aten." in str(func) else f"torch.ops.{func}"
    package = getattr(func, "__module__", None) or "torch"
    plain = word.strip("_")
    for name in dict.fromkeys((word, plain, _OPERATORS.get(plain, plain))):
        for place, holder in _PLACES:
            if not name.startswith("_") and callable(getattr(holder, name, None)):
                return f"{place}.{name}"
    return f"{'torch' if package.startswith('torch._') or package == '_operator' else package}.{plain}"


def named_arguments(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a call is given behind its tensors, by name; None where that cannot be written in a config."""
    first = 0
    while first < len(args) and isinstance(args[first], Tensor):
        first += 1
    names = _names(func, len(args))
    if first < len(args) and names is None:
        return None
    found = {} if names is None else dict(zip(names[first:], args[first:], strict=False))
    found |= kwargs
    if any(True for _ in tensors_in(tuple(found.values()))):
        return None
    plain = {name: _plain(value) for name, value in found.items()}
    return None if any(value is _UNSAID for value in plain.values()) else plain


_UNSAID = object()


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        several = [_plain(one) for one in value]
        return _UNSAID if any(one is _UNSAID for one in several) else several
    if isinstance(value, float) and not isfinite(value):
        return _UNSAID
    return value if value is None or isinstance(value, bool | int | float | str) else _UNSAID


@cache
def _names(func: Callable[..., Any], count: int) -> tuple[str, ...] | None:
    """Names of a function's arguments; None where it does not say them, or where they depend on the call."""
    try:
        parameters = inspect.signature(func).parameters.values()
    except (TypeError, ValueError):
        return _names_of_operator(function_name(func).rpartition(".")[2], count)
    if any(one.kind in (one.VAR_POSITIONAL, one.POSITIONAL_ONLY) for one in parameters):
        return None
    return tuple([one.name for one in parameters])


def _names_of_operator(word: str, count: int) -> tuple[str, ...] | None:
    """Names by the schemas of PyTorch's operators, where all that take so many arguments agree."""
    packet = getattr(torch.ops.aten, word, None)
    if packet is None:
        return None
    found = set()
    for overload in packet.overloads():
        if overload.endswith("out"):
            continue
        names = [one.name for one in getattr(packet, overload)._schema.arguments if not one.kwarg_only]  # noqa: SLF001
        if len(names) >= count:
            found.add(tuple(names[:count]))
    return found.pop() if len(found) == 1 else None
