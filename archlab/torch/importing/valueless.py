"""What need not be computed on the `meta` device, where tensors have no values.

PyTorch computes it there by references in Python, some milliseconds for each call: more than half of the time in which
a ResNet was made and watched.
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


def normalised(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor | None:
    """The result of a batch norm in eval mode whose tensors fit; None of any other call."""
    if func is not F.batch_norm or len(args) < 3 or kwargs.get("training", args[5] if len(args) > 5 else False):
        return None
    given, *statistics = args[:3]
    learned = [kwargs.get(name, args[at] if len(args) > at else None) for at, name in ((3, "weight"), (4, "bias"))]
    own = [*statistics, *[one for one in learned if one is not None]]
    fits = given.is_meta and given.dim() > 1 and all(one is not None and one.shape == given.shape[1:2] for one in own)
    return torch.empty_like(given) if fits else None
