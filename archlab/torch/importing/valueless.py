"""What need not be computed on the `meta` device, where tensors have no values.

PyTorch computes it there by references in Python, some milliseconds for each call: more than half of the time in which
a ResNet or a MobileNet was made and watched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - as everyone calls it
from torch.overrides import TorchFunctionMode

_FILLS = ("normal_", "uniform_", "random_", "bernoulli_", "exponential_", "fill_", "zero_")
_DRAWS = frozenset([getattr(Tensor, name) for name in _FILLS])


class NothingDrawn(TorchFunctionMode):
    """Leaves initial values of tensors without values undrawn."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Give the tensor itself in place of what fills it in place."""
        kwargs = kwargs or {}
        if func in _DRAWS or _is_initialiser(func):
            tensor = args[0] if args else kwargs.get("tensor")
            if isinstance(tensor, Tensor) and tensor.is_meta:
                return tensor
        return func(*args, **kwargs)


def _is_initialiser(func: Callable[..., Any]) -> bool:
    """Whether it is such as `nn.init.kaiming_normal_`."""
    return getattr(func, "__module__", "") == "torch.nn.init" and func.__name__.endswith("_")


_ACTIVATIONS = frozenset([F.relu, F.leaky_relu, F.elu, F.mish, F.hardtanh, F.relu6, F.hardsigmoid, F.hardswish])
"""What a mode is given with all arguments by name but the first."""
_GELUS = ("none", "tanh")


def shaped(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor | None:
    """The result of a call whose shape is its input's: of norms in eval mode and activations; None of any other call.

    What PyTorch would refuse is none of them. What works in place gives its input, changed once.
    """
    if not args or not isinstance(args[0], Tensor) or not args[0].is_meta:
        return None
    if func in _ACTIVATIONS:
        return _activated(args, kwargs)
    if func is F.batch_norm:
        return _normalised(args, kwargs)
    if func is F.layer_norm:
        return _layer_normalised(args, kwargs)
    if func is F.gelu and len(args) == 1 and kwargs in ({}, *({"approximate": word} for word in _GELUS)):
        return _like(args[0])
    return None


def _activated(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor | None:
    given = args[0]
    if len(args) > 1 or not given.is_floating_point():
        return None
    if kwargs.get("min_val", 0) > kwargs.get("max_val", 0):  # PyTorch refuses it; one bound alone it looks at itself
        return None
    if not kwargs.get("inplace", False):
        return _like(given)
    return given.zero_() if given.is_contiguous() else None  # what is stretched cannot be written to


def _normalised(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor | None:
    """Of a batch norm in eval mode whose tensors fit."""
    if len(args) < 3 or kwargs.get("training", args[5] if len(args) > 5 else False):
        return None
    given, *statistics = args[:3]
    learned = [kwargs.get(name, args[at] if len(args) > at else None) for at, name in ((3, "weight"), (4, "bias"))]
    own = [*statistics, *[one for one in learned if one is not None]]
    fits = given.dim() > 1 and all(one is not None and one.is_meta and one.shape == given.shape[1:2] for one in own)
    return _like(given) if fits else None


def _layer_normalised(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor | None:
    """Of a layer norm whose tensors fit, which is contiguous whatever its input is."""
    if len(args) != 2:
        return None
    given, sizes = args[0], tuple(args[1])
    learned = [one for one in (kwargs.get("weight"), kwargs.get("bias")) if one is not None]
    fits = sizes and given.shape[-len(sizes) :] == sizes and given.is_floating_point()
    fits = fits and all(one.is_meta and one.shape == sizes and one.dtype == given.dtype for one in learned)
    return torch.empty(given.shape, dtype=given.dtype, device=given.device) if fits else None


def _like(given: Tensor) -> Tensor:
    """A tensor of a shape; in memory as the other is, or as PyTorch puts one that has gaps or is stretched."""
    if not given.is_contiguous():
        return torch.empty_like(given)  # a reference in Python too, of ten times the time
    return torch.empty_strided(given.shape, given.stride(), dtype=given.dtype, device=given.device)
