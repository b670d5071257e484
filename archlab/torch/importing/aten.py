"""Operators of exported programs that are layers: where their arguments are a layer's options, by a table alone.

PyTorch names the arguments of its operators as those of its modules, so that most rules are a word. What has a function
of the same name goes by `functions`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.layers import find_layer
from archlab.torch.importing.functions import RULES as FUNCTIONS
from archlab.torch.importing.recorder import Recorder

Named = Mapping[str, Any]
Rule = Callable[[Recorder, Named, Sequence[Tensor]], None]

_ALIKE = (
    *(f"{kind}_pool{rank}d" for kind in ("max", "avg", "adaptive_avg", "adaptive_max") for rank in (1, 2, 3)),
    *("relu", "relu6", "sigmoid", "tanh", "silu", "gelu", "mish", "hardswish", "hardsigmoid", "leaky_relu", "elu"),
    *("selu", "celu", "softplus", "hardtanh", "log_sigmoid", "softmax", "log_softmax", "glu", "hardshrink"),
    *("softshrink", "threshold", "dropout", "permute", "transpose", "pixel_shuffle", "pixel_unshuffle"),
    *("channel_shuffle", "abs", "square", "exp", "log"),
)
"""Operators that are called as their layers."""
LAYERS = {name: name for name in _ALIKE} | {
    "_softmax": "softmax",
    "_log_softmax": "log_softmax",
    "feature_dropout": "dropout2d",
    "max_pool2d_with_indices": "max_pool2d",
    "_adaptive_avg_pool2d": "adaptive_avg_pool2d",
    "_adaptive_avg_pool3d": "adaptive_avg_pool3d",
}
"""Operators to the layers whose options their arguments are."""


def say(recorder: Recorder, op: str, named: Named, results: Sequence[Tensor], places: int) -> None:
    """Add what an operator is.

    Args:
        recorder: it is added to.
        op: the operator's word: `conv2d`, `relu_`.
        named: its arguments in order, by their names.
        results: its results.
        places: how many of the arguments are given by place.

    Raises:
        UnsaidError: if it is no layer.
    """
    word = op.removesuffix("_") if not op.startswith("__") else op
    rule = RULES.get(word)
    if rule is not None:
        rule(recorder, named, results)
    elif word in LAYERS:
        _as_layer(recorder, LAYERS[word], named, results[0])
    elif word in FUNCTIONS:
        values = list(named.items())
        args = [value for _, value in values[:places]]
        FUNCTIONS[word](recorder, args, dict(values[places:]), results[0] if len(results) == 1 else tuple(results))
    else:
        raise UnsaidError(f"there is no layer for torch.{word}")


def _as_layer(recorder: Recorder, layer: str, named: Named, result: Tensor) -> None:
    cls, (source, *_) = find_layer(layer), named.values()
    assert cls is not None
    known = {name: value for name, value in named.items() if name in cls.model_fields}
    options = {name: value for name, value in known.items() if value is not None and value != []}
    recorder.add(layer, {name: _listed(value) for name, value in options.items()}, (_value(recorder, source),), result)


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _value(recorder: Recorder, tensor: Any) -> int:
    value = recorder.value(tensor)
    if value is None:
        raise UnsaidError("it takes what does not come from an input")
    return value


def _conv_transpose(recorder: Recorder, named: Named, results: Sequence[Tensor]) -> None:
    weight, bias, groups = named["weight"], named.get("bias"), named.get("groups", 1)
    options = {name: _listed(named[name]) for name in _SLIDES if name in named}
    options |= {"out_channels": weight.shape[1] * groups, "kernel_size": tuple(weight.shape[2:])}
    options |= {"groups": groups, "bias": bias is not None}
    layer = f"conv_transpose{weight.dim() - 2}d"
    recorder.add(
        layer, options, (_value(recorder, named["input"]),), results[0], tensors={"weight": weight, "bias": bias}
    )


_SLIDES = ("stride", "padding", "output_padding", "dilation")


def _convolution(recorder: Recorder, named: Named, results: Sequence[Tensor]) -> None:
    """What all convolutions are once a program is decomposed."""
    if named.get("transposed"):
        _conv_transpose(recorder, named, results)
        return
    weight = named["weight"]
    args = {name: value for name, value in named.items() if name not in ("transposed", "output_padding")}
    say(recorder, f"conv{weight.dim() - 2}d", args, results, 0 if "input" not in args else len(args) - 1)


def _batch_norm(recorder: Recorder, named: Named, results: Sequence[Tensor]) -> None:
    """Its arguments are in another order than those of the function of that name."""
    tensors = {name: named.get(name) for name in ("weight", "bias", "running_mean", "running_var")}
    is_tracked = tensors["running_mean"] is not None
    options = {name: named[name] for name in ("eps", "momentum") if name in named}
    options |= {"affine": tensors["weight"] is not None, "track_running_stats": is_tracked}
    if is_tracked:
        tensors["num_batches_tracked"] = getattr(recorder.running[-1][0], "num_batches_tracked", None)
    source, rank = named["input"], max(1, named["input"].dim() - 2)
    recorder.add(f"batch_norm{rank}d", options, (_value(recorder, source),), results[0], tensors=tensors)


def _hardtanh(recorder: Recorder, named: Named, results: Sequence[Tensor]) -> None:
    """ReLU6 is one too."""
    is_relu6 = (named.get("min_val"), named.get("max_val")) == (0, 6)
    source = {} if is_relu6 else named
    _as_layer(recorder, "relu6" if is_relu6 else "hardtanh", {"self": next(iter(named.values())), **source}, results[0])


def _layer_norm(recorder: Recorder, named: Named, results: Sequence[Tensor]) -> None:
    if len(named["normalized_shape"]) != 1:
        raise UnsaidError("it is over several dimensions")
    weight, bias = named.get("weight"), named.get("bias")
    options = {"eps": named.get("eps", 1e-5), "elementwise_affine": weight is not None}
    options["bias"] = bias is not None or weight is None
    _norm(recorder, "layer_norm", options, named, results[0])


def _group_norm(recorder: Recorder, named: Named, results: Sequence[Tensor]) -> None:
    weight = named.get("weight")
    options = {"num_groups": named["num_groups"], "eps": named.get("eps", 1e-5), "affine": weight is not None}
    _norm(recorder, "group_norm", options, named, results[0])


def _norm(recorder: Recorder, layer: str, options: Named, named: Named, result: Tensor) -> None:
    tensors = {name: named.get(name) for name in ("weight", "bias")}
    recorder.add(layer, options, (_value(recorder, named["input"]),), result, tensors=tensors)


def _upsample(mode: str) -> Rule:
    def rule(recorder: Recorder, named: Named, results: Sequence[Tensor]) -> None:
        source = next(iter(named.values()))
        factors, size = named.get("scale_factors"), named.get("output_size")
        options: dict[str, Any] = {"mode": mode}
        options |= {"scale_factor": tuple(factors)} if factors else {"size": tuple(size or results[0].shape[2:])}
        if named.get("align_corners") and not mode.startswith("nearest"):
            options["align_corners"] = True
        recorder.add("upsample", options, (_value(recorder, source),), results[0])

    return rule


def _pad(recorder: Recorder, named: Named, results: Sequence[Tensor]) -> None:
    """Around the axes of a map; of channels by `pad_channels`."""
    source, sides, mode = next(iter(named.values())), tuple(named["pad"]), named.get("mode", "constant")
    number, rank = named.get("value") or 0, results[0].dim() - 2
    options: dict[str, Any] = {"padding": sides + (0,) * (2 * rank - len(sides))}
    layer = {"constant": "constant", "reflect": "reflection", "replicate": "replication", "circular": "circular"}[mode]
    if len(sides) > 2 * rank and not any(sides[: 2 * rank]) and not number and layer == "constant":
        before, behind = sides[2 * rank : 2 * rank + 2]
        recorder.add("pad_channels", {"before": before, "after": behind}, (_value(recorder, source),), results[0])
        return
    if not any(sides):
        recorder.bind(results[0], _value(recorder, source))
        return
    if layer == "constant":
        layer = "constant" if number else "zero"
        options |= {"value": float(number)} if number else {}
    recorder.add(f"{layer}_pad{rank}d", options, (_value(recorder, source),), results[0])


def _parts(recorder: Recorder, named: Named, results: Sequence[Tensor]) -> None:
    """Neighbouring parts of a dimension."""
    source, dim, start = next(iter(named.values())), named.get("dim", 0), 0
    dim = dim % source.dim()
    for result in results:
        _narrow(recorder, source, (dim, start, result.shape[dim]), result)
        start += result.shape[dim]


def _slice(recorder: Recorder, named: Named, results: Sequence[Tensor]) -> None:
    source, dim = next(iter(named.values())), named.get("dim", 0)
    dim = dim % source.dim()
    step = named.get("step", 1)
    start, end, _ = slice(named.get("start"), named.get("end")).indices(source.shape[dim])
    _narrow(recorder, source, (dim, start, -(-(end - start) // step)), results[0], step)


def _narrow(recorder: Recorder, source: Tensor, place: tuple[int, int, int], result: Tensor, step: int = 1) -> None:
    dim, start, length = place
    if dim == 0 and (start or length != source.shape[0]):
        raise UnsaidError("it takes some of the samples")
    if (start, length) == (0, source.shape[dim]):
        recorder.bind(result, _value(recorder, source))
        return
    options = {"dim": dim, "start": start, "length": length, "step": step}
    recorder.add("narrow", options, (_value(recorder, source),), result)


RULES: dict[str, Rule] = {
    **dict.fromkeys((f"conv_transpose{rank}d" for rank in (1, 2, 3)), _conv_transpose),
    "convolution": _convolution,
    **dict.fromkeys(("batch_norm", "_native_batch_norm_legit_no_training"), _batch_norm),
    "hardtanh": _hardtanh,
    "layer_norm": _layer_norm,
    "native_layer_norm": _layer_norm,
    "group_norm": _group_norm,
    **{f"upsample_nearest{rank}d": _upsample("nearest") for rank in (1, 2, 3)},
    **{f"_upsample_nearest_exact{rank}d": _upsample("nearest-exact") for rank in (1, 2, 3)},
    "upsample_linear1d": _upsample("linear"),
    "upsample_bilinear2d": _upsample("bilinear"),
    "upsample_bicubic2d": _upsample("bicubic"),
    "upsample_trilinear3d": _upsample("trilinear"),
    "pad": _pad,
    "constant_pad_nd": _pad,
    **dict.fromkeys(("chunk", "split", "split_with_sizes", "unsafe_chunk"), _parts),
    "slice": _slice,
}
"""Operators whose arguments need a look."""
