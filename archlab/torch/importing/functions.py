"""Functions that are layers: a rule for each, by the function's name.

A rule is given the recorder, the call's arguments and its result; it adds items, or binds the result to a value that is
there already, or says by `UnsaidError` that the call is none of archlab's layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.recorder import Recorder
from archlab.torch.importing.views import reshape

Arguments = Sequence[Any]
Named = Mapping[str, Any]
Rule = Callable[[Recorder, Arguments, Named, Any], None]


def rule_of(func: Callable[..., Any]) -> Rule | None:
    """The rule of a function, a method or an operator; None where there is none."""
    word = getattr(func, "__name__", "")
    if word == "__get__":  # of a property, as `x.T`
        return None
    return RULES.get(word) or RULES.get(word.strip("_"))


def given(args: Arguments, kwargs: Named, number: int, name: str, default: Any = None) -> Any:
    """An argument by place or name."""
    if name in kwargs:
        return kwargs[name]
    return args[number] if number < len(args) else default


def only_value(recorder: Recorder, tensor: Any) -> int:
    """The value of an argument that must have one."""
    value = recorder.value(tensor)
    if value is None:
        raise UnsaidError("it takes what does not come from an input")
    return value


def rank_of(tensor: Tensor) -> int:
    """Axes of a map: its dimensions but batch and channels."""
    rank = tensor.dim() - 2
    if rank not in (1, 2, 3):
        raise UnsaidError(f"a tensor of {tensor.dim()} dimensions is no map")
    return rank


def _same(recorder: Recorder, args: Arguments, _kwargs: Named, result: Any) -> None:
    """What gives the same values in the same places."""
    if tuple(result.shape) != tuple(args[0].shape):
        raise UnsaidError("it changes the shape")
    recorder.bind(result, only_value(recorder, args[0]))


def _join(layer_type: str, constant: Callable[[Recorder, int, float, Tensor], None] | None) -> Rule:
    """A function of two values; of a value and a number, as `constant` says."""

    def rule(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
        if given(args, kwargs, 2, "alpha", 1) != 1 or kwargs.get("rounding_mode") is not None:
            raise UnsaidError("it has further arguments")
        left, right = args[0], given(args, kwargs, 1, "other")
        values = recorder.value(left), recorder.value(right)
        if values[0] is not None and values[1] is not None:
            recorder.add(layer_type, {}, (values[0], values[1]), result)
        elif constant is not None and values[0] is not None and isinstance(right, int | float):
            constant(recorder, values[0], right, result)
        elif layer_type in ("add", "multiply") and values[1] is not None and isinstance(left, int | float):
            assert constant is not None
            constant(recorder, values[1], left, result)
        else:
            _with_parameter(recorder, layer_type, left, right, result)

    return rule


def _with_parameter(recorder: Recorder, layer_type: str, left: Any, right: Any, result: Tensor) -> None:
    """A value by a parameter of a number for each channel."""
    value, other = (left, right) if recorder.value(left) is not None else (right, left)
    scaled = recorder.value(value)
    if layer_type != "multiply" or scaled is None or not isinstance(other, nn.Parameter):
        raise UnsaidError(f"{layer_type} with what does not come from an input")
    recorder.add("layer_scale", {}, (scaled,), result, tensors={"layer_scale": other})


def _constant(layer_type: str, option: str, of: Callable[[float], float] = float) -> Any:
    def add(recorder: Recorder, value: int, number: float, result: Tensor) -> None:
        recorder.add(layer_type, {option: of(number)}, (value,), result)

    return add


def _conv(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    """`conv2d(input, weight, bias, stride, padding, dilation, groups)`."""
    weight, bias = given(args, kwargs, 1, "weight"), given(args, kwargs, 2, "bias")
    options = {
        "out_channels": weight.shape[0],
        "kernel_size": tuple(weight.shape[2:]),
        "stride": _listed(given(args, kwargs, 3, "stride", 1)),
        "padding": _listed(given(args, kwargs, 4, "padding", 0)),
        "dilation": _listed(given(args, kwargs, 5, "dilation", 1)),
        "groups": given(args, kwargs, 6, "groups", 1),
        "bias": bias is not None,
    }
    tensors = {"weight": weight, "bias": bias}
    recorder.add(f"conv{rank_of(args[0])}d", options, (only_value(recorder, args[0]),), result, tensors=tensors)


def _listed(value: Any) -> Any:
    """A list of one for all axes as the one."""
    if isinstance(value, tuple | list):
        return value[0] if len(value) == 1 else tuple(value)
    return value


def _linear(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    weight, bias = given(args, kwargs, 1, "weight"), given(args, kwargs, 2, "bias")
    options = {"out_features": weight.shape[0], "bias": bias is not None}
    tensors = {"weight": weight, "bias": bias}
    recorder.add("linear", options, (only_value(recorder, args[0]),), result, tensors=tensors)


def _batch_norm(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    """`batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)`."""
    mean, var = given(args, kwargs, 1, "running_mean"), given(args, kwargs, 2, "running_var")
    weight, bias = given(args, kwargs, 3, "weight"), given(args, kwargs, 4, "bias")
    rank = max(1, args[0].dim() - 2)
    options = {
        "eps": given(args, kwargs, 7, "eps", 1e-5),
        "affine": weight is not None,
        "track_running_stats": mean is not None,
    }
    tensors = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": var}
    if mean is not None:
        tensors["num_batches_tracked"] = getattr(recorder.running[-1][0], "num_batches_tracked", None)
    recorder.add(f"batch_norm{rank}d", options, (only_value(recorder, args[0]),), result, tensors=tensors)


def _activation(layer_type: str, *options: tuple[int, str]) -> Rule:
    """A function of one value, with options by place and name."""

    def rule(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
        found = {name: given(args, kwargs, number, name) for number, name in options}
        chosen = {name: value for name, value in found.items() if value is not None}
        recorder.add(layer_type, chosen, (only_value(recorder, args[0]),), result)

    return rule


def _concat(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    tensors, dim = given(args, kwargs, 0, "tensors"), given(args, kwargs, 1, "dim", 0)
    values = [only_value(recorder, one) for one in tensors]
    dim = dim + result.dim() if dim < 0 else dim
    if dim == 0:
        raise UnsaidError("it puts samples behind one another")
    if len(values) == 1:
        recorder.bind(result, values[0])
    else:
        recorder.add("concat", {"dim": dim}, values, result)


def _flatten(recorder: Recorder, args: Arguments, _kwargs: Named, result: Any) -> None:
    reshape(recorder, only_value(recorder, args[0]), result)


def _reduce(layer_type: str) -> Rule:
    """`mean(input, dim, keepdim)`."""

    def rule(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
        dim = given(args, kwargs, 1, "dim")
        if dim is None or not isinstance(result, Tensor):
            raise UnsaidError("it is over all dimensions, samples among them")
        options = {"dim": dim, "keepdim": given(args, kwargs, 2, "keepdim", False)}
        recorder.add(layer_type, options, (only_value(recorder, args[0]),), result)

    return rule


def _adaptive_pool(kind: str) -> Rule:
    def rule(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
        options = {"output_size": given(args, kwargs, 1, "output_size")}
        layer_type = f"adaptive_{kind}_pool{rank_of(args[0])}d"
        recorder.add(layer_type, options, (only_value(recorder, args[0]),), result)

    return rule


RULES: dict[str, Rule] = {
    **dict.fromkeys(("add", "iadd", "radd"), _join("add", _constant("shift", "value"))),
    **dict.fromkeys(("mul", "imul", "rmul"), _join("multiply", _constant("scale", "factor"))),
    **dict.fromkeys(("sub", "isub"), _join("subtract", _constant("shift", "value", lambda number: -number))),
    **dict.fromkeys(
        ("div", "truediv", "itruediv"), _join("divide", _constant("scale", "factor", lambda number: 1 / number))
    ),
    "maximum": _join("maximum", None),
    "minimum": _join("minimum", None),
    **dict.fromkeys(("contiguous", "clone", "to", "float", "type_as", "detach"), _same),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _conv),
    "linear": _linear,
    "batch_norm": _batch_norm,
    "relu": _activation("relu"),
    "relu6": _activation("relu6"),
    "leaky_relu": _activation("leaky_relu", (1, "negative_slope")),
    "elu": _activation("elu", (1, "alpha")),
    "gelu": _activation("gelu", (1, "approximate")),
    "silu": _activation("silu"),
    "mish": _activation("mish"),
    "sigmoid": _activation("sigmoid"),
    "tanh": _activation("tanh"),
    "hardswish": _activation("hardswish"),
    "hardsigmoid": _activation("hardsigmoid"),
    "softmax": _activation("softmax", (1, "dim")),
    **dict.fromkeys(("cat", "concat"), _concat),
    **dict.fromkeys(("flatten", "view", "reshape", "squeeze", "unsqueeze", "unflatten"), _flatten),
    "mean": _reduce("mean"),
    "sum": _reduce("sum"),
    "amax": _reduce("amax"),
    "adaptive_avg_pool1d": _adaptive_pool("avg"),
    "adaptive_avg_pool2d": _adaptive_pool("avg"),
    "adaptive_max_pool2d": _adaptive_pool("max"),
}
"""Function names, without the underscores around them, to rules."""
