"""Normalisation by functions, scales and shifts given."""

from __future__ import annotations

from typing import Any

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.recorder import Recorder
from archlab.torch.importing.rules.arguments import (
    Arguments,
    Named,
    Rule,
    by_name,
    given_only,
    only_value,
    rank_of,
    whole_dim,
)


def _batch_norm(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input running_mean running_var weight bias training momentum eps", args, kwargs)
    mean, weight = options.get("running_mean"), options.get("weight")
    if bool(options.get("training")) == (mean is not None):
        raise UnsaidError("it normalises by the batch's own statistics in eval mode")
    own = {"affine": weight is not None, "track_running_stats": mean is not None}
    own |= given_only(options, "eps", "momentum")
    tensors = {name: options.get(name) for name in ("weight", "bias", "running_mean", "running_var")}
    module = recorder.running[-1][0]
    if mean is not None and getattr(module, "running_mean", None) is mean:
        tensors["num_batches_tracked"] = getattr(module, "num_batches_tracked", None)
    layer = f"batch_norm{max(1, options['input'].dim() - 2)}d"
    recorder.add(layer, own, (only_value(recorder, options["input"]),), result, tensors=tensors)


def _instance_norm(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input running_mean running_var weight bias use_input_stats momentum eps", args, kwargs)
    mean, weight = options.get("running_mean"), options.get("weight")
    if options.get("use_input_stats", True) == (mean is not None):
        raise UnsaidError("it normalises by the sample's own statistics in eval mode, and keeps others")
    own = {"affine": weight is not None, "track_running_stats": mean is not None}
    own |= given_only(options, "eps", "momentum")
    tensors = {name: options.get(name) for name in ("weight", "bias", "running_mean", "running_var")}
    layer = f"instance_norm{rank_of(options['input'])}d"
    recorder.add(layer, own, (only_value(recorder, options["input"]),), result, tensors=tensors)


def _group_norm(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input num_groups weight bias eps", args, kwargs)
    weight, bias = options.get("weight"), options.get("bias")
    own = {"num_groups": options["num_groups"], "affine": weight is not None} | given_only(options, "eps")
    if weight is not None and bias is None:
        own["bias"] = False
    tensors = {"weight": weight, "bias": bias}
    recorder.add("group_norm", own, (only_value(recorder, options["input"]),), result, tensors=tensors)


def _layer_norm(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input normalized_shape weight bias eps", args, kwargs)
    _require_last(options)
    weight, bias = options.get("weight"), options.get("bias")
    own = {"elementwise_affine": weight is not None} | given_only(options, "eps")
    if weight is not None and bias is None:
        own["bias"] = False
    tensors = {"weight": weight, "bias": bias}
    recorder.add("layer_norm", own, (only_value(recorder, options["input"]),), result, tensors=tensors)


def _rms_norm(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input normalized_shape weight eps", args, kwargs)
    _require_last(options)
    own = {"elementwise_affine": options.get("weight") is not None} | given_only(options, "eps")
    tensors = {"weight": options.get("weight")}
    recorder.add("rms_norm", own, (only_value(recorder, options["input"]),), result, tensors=tensors)


def _require_last(options: Named) -> None:
    if len(options["normalized_shape"]) != 1:
        raise UnsaidError("it normalises over several dimensions")


def _local_response_norm(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input size alpha beta k", args, kwargs)
    own = given_only(options, "size", "alpha", "beta", "k")
    recorder.add("local_response_norm", own, (only_value(recorder, options["input"]),), result)


def _normalize(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input p dim eps", args, kwargs)
    if options.get("p", 2) != 2:
        raise UnsaidError(f"it is by a length of order {options['p']}")
    dim = whole_dim(options["input"], options.get("dim", 1))
    own = given_only(options, "eps") | ({} if dim == 1 else {"dim": dim})
    recorder.add("normalize", own, (only_value(recorder, options["input"]),), result)


RULES: dict[str, Rule] = {
    "batch_norm": _batch_norm,
    "instance_norm": _instance_norm,
    "group_norm": _group_norm,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "local_response_norm": _local_response_norm,
    "normalize": _normalize,
}
