"""Convolutions, pooling and norms of maps that lie among the samples, as of windows or heads.

They are said of maps with one axis more, that of the parts, along which they read nothing beside: a convolution of two
axes and 3x3 is one of three and 1x3x3. It does the same with the same weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.functions import rule_of
from archlab.torch.importing.learned import function_word
from archlab.torch.importing.recorder import Recorder
from archlab.torch.importing.rules.arguments import by_name

_RANKS = (1, 2)
"""Axes of maps that can have one more."""
_CONV = [f"conv{rank}d" for rank in _RANKS]
_POOL = [f"{kind}_pool{rank}d" for kind in ("max", "avg") for rank in _RANKS]
_ADAPTIVE = [f"adaptive_{kind}" for kind in _POOL]
WORDS = frozenset([*_CONV, *_POOL, *_ADAPTIVE, "batch_norm"])
"""Functions of maps."""
_NAMES = {
    "conv": "input weight bias stride padding dilation groups",
    "max_pool": "input kernel_size stride padding dilation ceil_mode return_indices",
    "avg_pool": "input kernel_size stride padding ceil_mode count_include_pad divisor_override",
}
_FURTHER = {"kernel_size": 1, "stride": 1, "dilation": 1, "padding": 0}
"""Options with a value for each axis to that of an axis along which nothing is read beside."""


class Further:
    """A value of maps with an axis for the parts in front.

    Args:
        recorder: what has been called.
        given: a tensor that holds it, (samples, channels, parts, *axes).
        parts: how many there are.
    """

    def __init__(self, recorder: Recorder, given: Tensor, parts: int) -> None:
        self._recorder, self._given, self._parts = recorder, given, parts

    def said(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
        """A function of maps, of this value; what it gives.

        Raises:
            UnsaidError: if there is no such layer.
        """
        word, rank = function_word(func), self._given.dim() - 3
        if word == "batch_norm":
            return self._ruled(func, args[1:], kwargs)
        if rank not in _RANKS or not word.endswith(f"{rank}d"):
            raise UnsaidError(f"{word} of folded samples")
        kind = word.removesuffix(f"{rank}d")
        raised = getattr(functional, f"{kind}{rank + 1}d")
        if kind.startswith("adaptive"):
            size = by_name("input output_size", args, kwargs)["output_size"]
            axes = (size,) * rank if isinstance(size, int) else tuple(size)
            return self._ruled(raised, ((self._parts, *axes),), {})
        options = by_name(_NAMES[kind], args, kwargs)
        options.pop("input")
        return self._ruled(raised, (), self._with_axis(options, rank))

    def _with_axis(self, options: Mapping[str, Any], rank: int) -> dict[str, Any]:
        """Options with a value for the parts in front of the axes'; the weight likewise."""
        found = dict(options)
        for name, own in _FURTHER.items():
            value = options.get(name)
            if isinstance(value, str):
                raise UnsaidError(f"{name}={value} of folded samples")
            if isinstance(value, int):
                found[name] = (own, *[value] * rank)
            elif value:  # else the kernel's
                found[name] = (own, *(value * rank if len(value) == 1 else value))
        if isinstance(options.get("weight"), Tensor):
            found["weight"] = self._with_parts(options["weight"])
        return found

    def _with_parts(self, weight: Tensor) -> Tensor:
        """Of a kernel of length 1 along the parts: the same numbers."""
        name, found = self._recorder.tensor_name(weight), weight.unsqueeze(2)
        if name is None:
            raise UnsaidError("a convolution with weights that are computed")
        self._recorder.alias(found, name)
        return found

    def _ruled(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
        recorder, rule = self._recorder, rule_of(func)
        assert rule is not None
        empty = [one.to("meta") if isinstance(one, Tensor) else one for one in args]
        named = {name: one.to("meta") if isinstance(one, Tensor) else one for name, one in kwargs.items()}
        made = func(torch.empty_like(self._given), *empty, **named)
        rule(recorder, (self._given, *args), kwargs, made)
        value = recorder.value(made)
        assert value is not None
        return value
