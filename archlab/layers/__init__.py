"""The layers: one file per family, found by name without importing the others.

A layer class is made when first used, since creating a Pydantic class costs about a millisecond and a
network uses few of them.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from archlab.layers.base import Layer
from archlab.layers.ranks import of_rank, ranks

if TYPE_CHECKING:
    from archlab.layers.registered import Registered

FAMILIES: dict[str, tuple[str, ...]] = {
    "conv": ranks("conv2d"),
    "conv_transpose": ranks("conv_transpose2d"),
    "depthwise": (*ranks("depthwise_conv2d"), *ranks("depthwise_separable_conv2d")),
    "deform": ("deform_conv2d",),
    "upsample": ("upsample", "interpolate"),
    "max_pool": ranks("max_pool2d"),
    "avg_pool": ranks("avg_pool2d"),
    "lp_pool": ranks("lp_pool2d"),
    "adaptive_pool": ranks("adaptive_avg_pool2d"),
    "adaptive_max_pool": ranks("adaptive_max_pool2d"),
    "global_pool": (*ranks("global_avg_pool2d"), *ranks("global_max_pool2d")),
    "blur_pool": ranks("blur_pool2d"),
    "padding": (
        *ranks("zero_pad2d"),
        *ranks("constant_pad2d"),
        *ranks("reflection_pad2d"),
        *ranks("replication_pad2d"),
        *ranks("circular_pad2d"),
    ),
    "batch_norm": ranks("batch_norm2d"),
    "local_response_norm": ("local_response_norm",),
    "group_norm": ("group_norm",),
    "instance_norm": ranks("instance_norm2d"),
    "layer_norm": ("layer_norm", "layer_norm2d"),
    "rms_norm": ("rms_norm", "rms_norm2d"),
    "normalize": ("normalize",),
    "global_response_norm": ("global_response_norm",),
    "filter_response_norm": ("filter_response_norm2d",),
    "evo_norm": ("evo_norm2d_s0", "evo_norm2d_b0"),
    "linear": ("linear",),
    "relu": ("relu",),
    "relu6": ("relu6",),
    "rectifier": ("leaky_relu", "rrelu", "prelu", "elu", "selu", "celu"),
    "silu": ("gelu", "silu", "mish", "hardswish"),
    "sigmoid": ("hardsigmoid", "hardtanh", "sigmoid", "log_sigmoid", "tanh"),
    "shrink": ("tanhshrink", "softplus", "softsign", "softshrink", "hardshrink", "threshold"),
    "softmax": ("softmax", "softmin", "log_softmax", "softmax2d", "glu"),
    "join": ("add", "concat", "multiply"),
    "arithmetic": ("subtract", "divide", "maximum", "minimum"),
    "weighted_add": ("weighted_add",),
    "narrow": ("narrow",),
    "pad_channels": ("pad_channels",),
    "reduction": ("mean", "sum", "amax", "vector_norm"),
    "unfold": ("unfold", "fold"),
    "shuffle": ("pixel_shuffle", "pixel_unshuffle", "channel_shuffle"),
    "scale": ("squeeze_excitation", "layer_scale"),
    "channel_attention": ("efficient_channel_attention",),
    "constant": ("scale", "shift", "pow", "square", "abs", "exp", "log"),
    "matmul": ("matmul", "scaled_dot_product_attention"),
    "attention": ("self_attention", "cross_attention"),
    "position_bias": ("relative_position_bias",),
    "relative": ("relative_to_absolute", "relative_rows"),
    "tokens": ("class_token", "position_embedding"),
    "source": ("constant", "sine_positions", "relative_positions", "relative_position_scores"),
    "flatten": ("flatten",),
    "identity": ("identity", "as_map", "as_channels"),
    "dropout": ("dropout", *ranks("dropout2d"), "stochastic_depth"),
    "permute": ("channels_last", "channels_first", "permute", "transpose", "unflatten"),
}
"""Module in this package to the layer types it defines: the one list a new layer is added to."""

PARTS: dict[str, tuple[str, ...]] = {
    "deform": ("deform_conv2d_op",),
    "channel_attention": ("channel_conv",),
    "attention_op": ("attention_op",),
    "window_attention": ("window_attention_op",),
    "parametrized_conv": (
        *("standardized_conv2d", "scaled_standardized_conv2d"),
        *ranks("weight_norm_conv2d"),
        *ranks("spectral_norm_conv2d"),
    ),
}
"""Primitives that only the expansion of another layer makes: found by name, but not offered."""

_MODULE_OF = {
    layer_type: module for table in (FAMILIES, PARTS) for module, types in table.items() for layer_type in types
}
_classes: dict[str, type[Layer]] = {}


def layer_types() -> tuple[str, ...]:
    """Every layer type that a config may name."""
    return tuple([layer_type for types in FAMILIES.values() for layer_type in types])


def find_layer(layer_type: str) -> type[Layer] | None:
    """The class of a layer type, or None if there is none of that name.

    A type with a dot is a class of another package, of which only what is declared is known (`layers.opaque`).
    """
    if layer_type not in _MODULE_OF:
        return _outside(layer_type)
    if layer_type not in _classes:
        module = import_module(f"archlab.layers.{_MODULE_OF[layer_type]}")
        for cls in vars(module).values():
            if (
                isinstance(cls, type)
                and issubclass(cls, Layer)
                and "type" in vars(cls)
                and cls.__module__ == module.__name__
            ):
                _classes[cls.type] = cls
    if layer_type not in _classes:  # of one axis, or of three
        rank = int(layer_type[-2])
        _classes[layer_type] = of_rank(_classes[layer_type.replace(f"{rank}d", "2d")], rank)
    return _classes[layer_type]


def _outside(layer_type: str) -> type[Layer] | None:
    """The class of a type that is none of archlab's own."""
    if "." not in layer_type:
        found = _registered(layer_type)
        return None if found is None else found.cls
    *package, word = layer_type.split(".")
    if package[0] in PYTORCH and _plain(word) in _plain_types():
        return None  # archlab's own under PyTorch's name
    from archlab.layers.opaque import opaque_class

    return opaque_class(layer_type)


def find_declared(layer_type: str) -> type[Layer] | None:
    """The class of a dotted type of which an item declares what comes out, so that it is opaque, PyTorch's too."""
    from archlab.layers.opaque import opaque_class

    return opaque_class(layer_type)


def _registered(layer_type: str) -> Registered | None:
    """What an installed package registers under a name."""
    if not layer_type.isidentifier():
        return None
    from archlab.layers.registered import find_registered

    return find_registered(layer_type, frozenset(_MODULE_OF))


def fault_of(layer_type: str) -> str:
    """What is wrong with the layer that an installed package registers under a name; empty where there is none."""
    found = None if layer_type in _MODULE_OF or "." in layer_type else _registered(layer_type)
    return "" if found is None else found.fault


def registered_types() -> tuple[str, ...]:
    """The layer types that installed packages add (`layers.registered`)."""
    from archlab.layers.registered import registered_types as names

    return tuple([name for name in names(frozenset(_MODULE_OF)) if find_layer(name) is not None])


PYTORCH = ("torch", "torchvision", "tensorflow", "keras", "tf")


@cache
def _plain_types() -> frozenset[str]:
    return frozenset(map(_plain, layer_types()))


def _plain(word: str) -> str:
    return word.replace("_", "").lower()


def types_with_role(role: str) -> list[str]:
    """The layer types of a role, such as every `norm`, installed packages' among them."""
    known = (*layer_types(), *registered_types())
    return [name for name in known if (cls := find_layer(name)) is not None and cls.role == role]


__all__ = [
    "FAMILIES",
    "Layer",
    "fault_of",
    "find_declared",
    "find_layer",
    "layer_types",
    "registered_types",
    "types_with_role",
]
