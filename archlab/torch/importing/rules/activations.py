"""Activations by functions and methods, and what changes nothing in eval mode."""

from __future__ import annotations

from typing import Any

from archlab.imports.unsaid import UnsaidError
from archlab.layers import find_layer
from archlab.torch.importing.recorder import Recorder
from archlab.torch.importing.rules.arguments import Arguments, Named, Rule, by_name, given_only, only_value, whole_dim


def activation(layer_type: str, names: str = "") -> Rule:
    """A function of one value.

    Args:
        layer_type: of the layer.
        names: its options by place, with spaces between.
    """

    def rule(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
        options = by_name(f"input {names}", args, kwargs)
        add(recorder, layer_type, given_only(options, *names.split()), options["input"], result)

    return rule


def add(recorder: Recorder, layer_type: str, options: Named, tensor: Any, result: Any) -> None:
    """Add an activation, in place where the result is what it was given."""
    cls = find_layer(layer_type)
    assert cls is not None
    inplace = {"inplace": True} if result is tensor and "inplace" in cls.model_fields else {}
    recorder.add(layer_type, {**options, **inplace}, (only_value(recorder, tensor),), result)


def _along(layer_type: str) -> Rule:
    """An activation along a dimension."""

    def rule(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
        options = by_name("input dim", args, kwargs)
        tensor = options["input"]
        dim = whole_dim(tensor, options.get("dim", -1 if layer_type == "glu" else None))
        recorder.add(layer_type, {"dim": dim}, (only_value(recorder, tensor),), result)

    return rule


def _clamp(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input min max", args, kwargs)
    low, high = options.get("min"), options.get("max")
    if low == 0 and high is None:
        add(recorder, "relu", {}, options["input"], result)
    elif isinstance(low, int | float) and isinstance(high, int | float):
        add(recorder, "hardtanh", {"min_val": float(low), "max_val": float(high)}, options["input"], result)
    elif isinstance(low, int | float) and high is None:
        add(recorder, "threshold", {"threshold": float(low), "value": float(low)}, options["input"], result)
    elif isinstance(high, int | float) and low is None:
        _from_above(recorder, float(high), only_value(recorder, options["input"]), result)
    else:
        raise UnsaidError("its bounds are no numbers")


def _from_above(recorder: Recorder, high: float, value: int, result: Any) -> None:
    """A bound from above alone, which is one from below of what is negative."""
    negative = recorder.add("scale", {"factor": -1.0}, (value,))
    bounded = recorder.add("threshold", {"threshold": -high, "value": -high}, (negative,))
    recorder.add("scale", {"factor": -1.0}, (bounded,), result)


def _clamp_max(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input max", args, kwargs)
    _clamp(recorder, (options["input"],), {"max": options["max"]}, result)


def _prelu(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input weight", args, kwargs)
    weight = options["weight"]
    own = {"num_parameters": weight.numel()}
    recorder.add("prelu", own, (only_value(recorder, options["input"]),), result, tensors={"weight": weight})


def _dropout(layer_type: str) -> Rule:
    def rule(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
        options = by_name("input p training inplace", args, kwargs)
        value, p = only_value(recorder, options["input"]), options.get("p", 0.5)
        if options.get("training", True) and p:
            raise UnsaidError("it drops values in eval mode too")
        if p and result.dim() > 1:
            layer = layer_type if layer_type == "dropout" else f"{layer_type}{result.dim() - 2}d"
            recorder.add(layer, {"p": float(p)}, (value,), result)
        else:
            recorder.bind(result, value)

    return rule


RULES: dict[str, Rule] = {
    "relu": activation("relu"),
    "relu6": activation("relu6"),
    "leaky_relu": activation("leaky_relu", "negative_slope"),
    "elu": activation("elu", "alpha"),
    "selu": activation("selu"),
    "celu": activation("celu", "alpha"),
    "rrelu": activation("rrelu", "lower upper"),
    "gelu": activation("gelu", "approximate"),
    "silu": activation("silu"),
    "mish": activation("mish"),
    "sigmoid": activation("sigmoid"),
    "logsigmoid": activation("log_sigmoid"),
    "tanh": activation("tanh"),
    "hardtanh": activation("hardtanh", "min_val max_val"),
    "hardswish": activation("hardswish"),
    "hardsigmoid": activation("hardsigmoid"),
    "softplus": activation("softplus", "beta threshold"),
    "softsign": activation("softsign"),
    "tanhshrink": activation("tanhshrink"),
    "softshrink": activation("softshrink", "lambd"),
    "hardshrink": activation("hardshrink", "lambd"),
    "threshold": activation("threshold", "threshold value"),
    "softmax": _along("softmax"),
    "softmin": _along("softmin"),
    "log_softmax": _along("log_softmax"),
    "glu": _along("glu"),
    **dict.fromkeys(("clamp", "clip", "clamp_min"), _clamp),
    "clamp_max": _clamp_max,
    "prelu": _prelu,
    **dict.fromkeys(("dropout", "alpha_dropout", "feature_alpha_dropout"), _dropout("dropout")),
    **dict.fromkeys(("dropout1d", "dropout2d", "dropout3d"), _dropout("dropout")),
}
