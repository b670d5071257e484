"""Sums, means, maxima and lengths along dimensions."""

from __future__ import annotations

from math import prod
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


def _var(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    """`var(input, dim, correction, keepdim)`: squares of what is left without the mean, by one less than there are."""
    options = by_name("input dim unbiased keepdim", args, kwargs)
    tensor, less = options["input"], options.get("correction", 1 if options.get("unbiased", True) else 0)
    dims = listed(options.get("dim"))
    if not isinstance(dims, int | tuple):
        raise UnsaidError("it is over all dimensions, samples among them")
    found = tuple([whole_dim(tensor, one) for one in (dims if isinstance(dims, tuple) else (dims,))])
    own = {"dim": found if len(found) > 1 else found[0]}
    count, value = prod([tensor.shape[dim] for dim in found]), only_value(recorder, tensor)
    if count <= less:
        raise UnsaidError("it is of too few values")
    mean = recorder.add("mean", {**own, "keepdim": True}, (value,))
    squares = recorder.add("square", {}, (recorder.add("subtract", {}, (value, mean)),))
    total = recorder.add("sum", {**own, "keepdim": bool(options.get("keepdim"))}, (squares,))
    recorder.add("scale", {"factor": 1 / (count - less)}, (total,), result)


RULES: dict[str, Rule] = {
    "mean": _reduction("mean"),
    "var": _var,
    "sum": _reduction("sum"),
    "amax": _reduction("amax"),
    "max": _max,
    **dict.fromkeys(("norm", "vector_norm", "linalg_vector_norm", "linalg_norm"), _norm),
}
