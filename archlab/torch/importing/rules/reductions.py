"""Sums, means, maxima and lengths along dimensions."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.recorder import Recorder
from archlab.torch.importing.rules.arguments import Arguments, Named, Rule, by_name, listed, only_value, whole_dim


def _reduce(recorder: Recorder, layer_type: str, options: Named, result: Tensor, **further: Any) -> None:
    tensor, dim = options["input"], options.get("dim")
    if dim is None or dim == ():
        raise UnsaidError("it is over all dimensions, samples among them")
    dims = listed(dim)
    found = tuple([whole_dim(tensor, one) for one in dims]) if isinstance(dims, tuple) else whole_dim(tensor, dims)
    own = {"dim": found, "keepdim": bool(options.get("keepdim", False)), **further}
    recorder.add(layer_type, own, (only_value(recorder, tensor),), result)


def _reduction(layer_type: str) -> Rule:
    def rule(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
        _reduce(recorder, layer_type, by_name("input dim keepdim", args, kwargs), result)

    return rule


def _max(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    """`max(input, dim, keepdim)`, whose places nobody may read; or of two values."""
    options = by_name("input dim keepdim", args, kwargs)
    if isinstance(options.get("dim"), Tensor):
        values = only_value(recorder, options["input"]), only_value(recorder, options["dim"])
        recorder.add("maximum", {}, values, result)
    elif isinstance(result, Tensor):
        raise UnsaidError("it is over all dimensions, samples among them")
    else:
        _reduce(recorder, "amax", options, result[0])


def _norm(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input p dim keepdim", args, kwargs)
    order = options.get("ord", options.get("p", 2))
    if order not in (1, 2, "fro", None):
        raise UnsaidError(f"it is a length of order {order}")
    further = {"ord": 1} if order == 1 else {}
    _reduce(recorder, "vector_norm", options, result, **further)


RULES: dict[str, Rule] = {
    "mean": _reduction("mean"),
    "sum": _reduction("sum"),
    "amax": _reduction("amax"),
    "max": _max,
    **dict.fromkeys(("norm", "vector_norm", "linalg_vector_norm", "linalg_norm"), _norm),
}
