"""What a rule is given: the recorder, a call's arguments and its result.

A rule adds items, or binds the result to a value that is there already, or says by `UnsaidError` that the call is none
of archlab's layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.recorder import Recorder

Arguments = Sequence[Any]
Named = Mapping[str, Any]
Rule = Callable[[Recorder, Arguments, Named, Any], None]

MISFIT = "it stretches, or pads with infinity"
_OTHER_WORDS = {"axis": "dim", "keepdims": "keepdim", "self": "input"}
"""NumPy's words, which PyTorch takes too."""


def by_name(names: str, args: Arguments, kwargs: Named) -> dict[str, Any]:
    """The arguments of a call.

    Args:
        names: those by place, in order, with spaces between.
        args: by place.
        kwargs: by name.
    """
    found = dict(zip(names.split(), args, strict=False))
    return found | {_OTHER_WORDS.get(name, name): value for name, value in kwargs.items()}


def only_value(recorder: Recorder, tensor: Any) -> int:
    """The value of an argument that must have one.

    Raises:
        UnsaidError: if it has none, or is stretched along some dimension.
    """
    value = recorder.value(tensor)
    if value is None:
        raise UnsaidError("it takes what does not come from an input")
    if not recorder.fits(tensor):
        raise UnsaidError(MISFIT)
    return value


def rank_of(tensor: Tensor) -> int:
    """Axes of a map: its dimensions but batch and channels.

    Raises:
        UnsaidError: if it is no map.
    """
    rank = tensor.dim() - 2
    if rank not in (1, 2, 3):
        raise UnsaidError(f"a tensor of {tensor.dim()} dimensions is no map")
    return rank


def whole_dim(tensor: Tensor, dim: Any) -> int:
    """A dimension from the front, the batch being 0.

    Raises:
        UnsaidError: if it is the batch, or no number.
    """
    if not isinstance(dim, int):
        raise UnsaidError("it is along no one dimension")
    found = dim + tensor.dim() if dim < 0 else dim
    if found == 0:
        raise UnsaidError("it goes along the samples")
    return found


def listed(value: Any) -> Any:
    """A list of one for all axes as the one; a list as a tuple."""
    if isinstance(value, tuple | list):
        return value[0] if len(value) == 1 else tuple(value)
    return value


def given_only(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Some of the arguments, those left out or None left out; lists as `listed`."""
    return {name: listed(options[name]) for name in names if options.get(name) is not None}
