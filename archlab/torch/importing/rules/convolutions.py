"""Convolutions and linear layers by functions, their weights given."""

from __future__ import annotations

from typing import Any

from archlab.torch.importing.recorder import Recorder
from archlab.torch.importing.rules.arguments import Arguments, Named, Rule, by_name, given_only, only_value, rank_of


def _conv(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input weight bias stride padding dilation groups", args, kwargs)
    weight, bias = options["weight"], options.get("bias")
    own = {"out_channels": weight.shape[0], "kernel_size": tuple(weight.shape[2:]), "bias": bias is not None}
    own |= given_only(options, "stride", "padding", "dilation", "groups")
    tensors = {"weight": weight, "bias": bias}
    layer = f"conv{rank_of(options['input'])}d"
    recorder.add(layer, own, (only_value(recorder, options["input"]),), result, tensors=tensors)


def _conv_transpose(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input weight bias stride padding output_padding groups dilation", args, kwargs)
    weight, bias = options["weight"], options.get("bias")
    own = {"out_channels": weight.shape[1] * options.get("groups", 1), "kernel_size": tuple(weight.shape[2:])}
    own |= given_only(options, "stride", "padding", "output_padding", "groups", "dilation") | {"bias": bias is not None}
    tensors = {"weight": weight, "bias": bias}
    layer = f"conv_transpose{rank_of(options['input'])}d"
    recorder.add(layer, own, (only_value(recorder, options["input"]),), result, tensors=tensors)


def _linear(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input weight bias", args, kwargs)
    weight, bias = options["weight"], options.get("bias")
    own = {"out_features": weight.shape[0], "bias": bias is not None}
    tensors = {"weight": weight, "bias": bias}
    recorder.add("linear", own, (only_value(recorder, options["input"]),), result, tensors=tensors)


RULES: dict[str, Rule] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _conv),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _conv_transpose),
    "linear": _linear,
}
