"""Modules of other packages that compute what one of archlab's layers does, told by their classes' full names.

Only what has no other form stands here: most modules of other packages are looked into, and fall into layers and
functions that are known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import nn


class Known(NamedTuple):
    """A module as a layer.

    Attributes:
        type: of the layer; `identity` for what does nothing.
        options: its options, defaults among them.
    """

    type: str
    options: dict[str, Any]


Reader = Callable[[Any], Known | None]


def lookalike(module: nn.Module) -> Known | None:
    """What a module is as a layer; None where this table does not know it, or it is of another kind than usual."""
    kind = type(module)
    reader = _READERS.get(f"{kind.__module__}.{kind.__qualname__}")
    return None if reader is None else reader(module)


def parametrized(module: nn.Module) -> Known | None:
    """A convolution with one of PyTorch's parametrizations of its weight; None for others."""
    made = getattr(module, "parametrizations", None)
    conv = next((cls for cls in (nn.Conv1d, nn.Conv2d, nn.Conv3d) if isinstance(module, cls)), None)
    if made is None or conv is None or list(made) != ["weight"] or len(made["weight"]) != 1:
        return None
    if type(module).forward is not conv.forward:
        return None
    (one,) = made["weight"]
    if getattr(one, "dim", None) != 0:
        return None
    word = type(one).__name__
    if word == "_WeightNorm":
        return Known(conv.__name__.lower(), _conv(module) | {"weight": "weight_norm"})
    if word == "_SpectralNorm":
        weight = {"type": "spectral_norm", "n_power_iterations": one.n_power_iterations, "eps": one.eps}
        return Known(conv.__name__.lower(), _conv(module) | {"weight": weight})
    return None


def _conv(module: Any) -> dict[str, Any]:
    """The options of a convolution."""
    words = ("out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")
    return {word: getattr(module, word) for word in words} | {"bias": module.bias is not None}


def _same_conv(module: Any) -> Known:
    """timm's `Conv2dSame`."""
    return Known("conv2d", _conv(module) | {"padding": "same_tf"})


def _standardized(module: Any) -> Known:
    """timm's `StdConv2d` and `StdConv2dSame`."""
    weight = {"type": "standardized", "eps": module.eps}
    return Known("conv2d", _conv(module) | _same_padding(module) | {"weight": weight})


def _scaled_standardized(module: Any) -> Known:
    """timm's `ScaledStdConv2d` and `ScaledStdConv2dSame`, which keep gamma over the root of the filter's values."""
    root = module.weight[0].numel() ** -0.5
    gamma = module.scale / root
    near = round(gamma, 12)
    weight = {
        "type": "scaled_standardized",
        "eps": module.eps,
        "gamma": near if near * root == module.scale else gamma,
        "gain_init": float(module.gain_init),
    }
    return Known("conv2d", _conv(module) | _same_padding(module) | {"weight": weight})


def _same_padding(module: Any) -> dict[str, str]:
    return {"padding": "same_tf"} if getattr(module, "same_pad", False) else {}


def _blur_pool(module: Any) -> Known:
    options = {"filt_size": module.filt_size, "stride": module.stride, "pad_mode": module.pad_mode}
    return Known("blur_pool2d", options)


def _layer_norm2d(module: Any) -> Known | None:
    if getattr(module, "_fast_norm", False):
        return None
    options = {"eps": module.eps, "elementwise_affine": module.elementwise_affine}
    return Known("layer_norm2d", options | {"bias": module.bias is not None or not module.elementwise_affine})


def _rms_norm2d(module: Any) -> Known:
    return Known("rms_norm2d", {"eps": module.eps, "elementwise_affine": module.weight is not None})


def _response_norm(module: Any) -> Known:
    return Known("global_response_norm", {"eps": module.eps})


def _filter_response_norm(module: Any) -> Known | None:
    if module.rms is not True:
        return None
    return Known("filter_response_norm2d", {"apply_tlu": module.tau is not None, "eps": module.eps})


def _evo_norm_b0(module: Any) -> Known:
    options = {"apply_act": module.v is not None, "momentum": module.momentum, "eps": module.eps}
    return Known("evo_norm2d_b0", options)


def _evo_norm_s0(module: Any) -> Known:
    options = {"apply_act": module.v is not None, "groups": module.groups, "eps": module.eps}
    return Known("evo_norm2d_s0", options)


_GATES = {"Sigmoid": "sigmoid", "HardSigmoid": "hardsigmoid", "Hardsigmoid": "hardsigmoid"}


def _channel_attention(module: Any) -> Known | None:
    """timm's `EcaModule`, without the variants that it offers beside."""
    gate, conv = _GATES.get(type(module.gate).__name__), module.conv
    if module.act is not None or module.conv2 is not None or gate is None or conv.bias is not None:
        return None
    further = {} if gate == "sigmoid" else {"scale_activation": gate}
    return Known("efficient_channel_attention", {"kernel_size": conv.kernel_size[0], **further})


def _drop_path(module: Any) -> Known | None:
    if not module.drop_prob:
        return Known("identity", {})
    return Known("stochastic_depth", {"p": float(module.drop_prob), "mode": "row"}) if module.scale_by_keep else None


_READERS: dict[str, Reader] = {
    "timm.layers.conv2d_same.Conv2dSame": _same_conv,
    "timm.layers.std_conv.StdConv2d": _standardized,
    "timm.layers.std_conv.StdConv2dSame": _standardized,
    "timm.layers.std_conv.ScaledStdConv2d": _scaled_standardized,
    "timm.layers.std_conv.ScaledStdConv2dSame": _scaled_standardized,
    "timm.layers.blur_pool.BlurPool2d": _blur_pool,
    "timm.layers.norm.LayerNorm2d": _layer_norm2d,
    "timm.layers.norm.RmsNorm2d": _rms_norm2d,
    "timm.layers.grn.GlobalResponseNorm": _response_norm,
    "timm.layers.filter_response_norm.FilterResponseNormTlu2d": _filter_response_norm,
    "timm.layers.evo_norm.EvoNorm2dB0": _evo_norm_b0,
    "timm.layers.evo_norm.EvoNorm2dS0": _evo_norm_s0,
    "timm.layers.evo_norm.EvoNorm2dS0a": _evo_norm_s0,
    "timm.layers.eca.EcaModule": _channel_attention,
    "timm.layers.drop.DropPath": _drop_path,
}
"""Full names of classes to what reads them."""
