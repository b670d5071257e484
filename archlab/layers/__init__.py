"""The layers: one file per family, found by name without importing the others.

A layer class is made when first used, since creating a Pydantic class costs about a millisecond and a
network uses few of them.
"""

from __future__ import annotations

from importlib import import_module

from archlab.layers.base import Layer

FAMILIES: dict[str, tuple[str, ...]] = {
    "conv": ("conv2d",),
    "conv_transpose": ("conv_transpose2d",),
    "depthwise": ("depthwise_conv2d", "depthwise_separable_conv2d"),
    "deform": ("deform_conv2d",),
    "upsample": ("upsample", "interpolate"),
    "max_pool": ("max_pool2d",),
    "avg_pool": ("avg_pool2d",),
    "lp_pool": ("lp_pool2d",),
    "adaptive_pool": ("adaptive_avg_pool2d", "adaptive_max_pool2d"),
    "global_pool": ("global_avg_pool2d", "global_max_pool2d"),
    "padding": ("zero_pad2d", "constant_pad2d", "reflection_pad2d", "replication_pad2d", "circular_pad2d"),
    "batch_norm": ("batch_norm2d",),
    "local_response_norm": ("local_response_norm",),
    "group_norm": ("group_norm",),
    "instance_norm": ("instance_norm2d",),
    "layer_norm": ("layer_norm", "layer_norm2d"),
    "linear": ("linear",),
    "relu": ("relu", "relu6"),
    "rectifier": ("leaky_relu", "rrelu", "prelu", "elu", "selu", "celu"),
    "silu": ("gelu", "silu", "mish", "hardswish"),
    "sigmoid": ("hardsigmoid", "hardtanh", "sigmoid", "log_sigmoid", "tanh"),
    "shrink": ("tanhshrink", "softplus", "softsign", "softshrink", "hardshrink", "threshold"),
    "softmax": ("softmax", "softmin", "log_softmax", "softmax2d", "glu"),
    "join": ("add", "concat", "multiply"),
    "narrow": ("narrow",),
    "shuffle": ("pixel_shuffle", "pixel_unshuffle", "channel_shuffle"),
    "scale": ("squeeze_excitation", "layer_scale"),
    "flatten": ("flatten",),
    "identity": ("identity",),
    "dropout": ("dropout", "dropout2d", "stochastic_depth"),
    "permute": ("channels_last", "channels_first"),
}
"""Module in this package to the layer types it defines: the one list a new layer is added to."""

PARTS: dict[str, tuple[str, ...]] = {"deform": ("deform_conv2d_op",)}
"""Primitives that only the expansion of another layer makes: found by name, but not offered."""

_MODULE_OF = {
    layer_type: module for table in (FAMILIES, PARTS) for module, types in table.items() for layer_type in types
}
_classes: dict[str, type[Layer]] = {}


def layer_types() -> tuple[str, ...]:
    """Every layer type that a config may name."""
    return tuple([layer_type for types in FAMILIES.values() for layer_type in types])


def find_layer(layer_type: str) -> type[Layer] | None:
    """The class of a layer type, or None if there is none of that name."""
    if layer_type not in _MODULE_OF:
        return None
    if layer_type not in _classes:
        module = import_module(f"archlab.layers.{_MODULE_OF[layer_type]}")
        for cls in vars(module).values():
            if isinstance(cls, type) and issubclass(cls, Layer) and "type" in vars(cls):
                _classes[cls.type] = cls
    return _classes[layer_type]


def types_with_role(role: str) -> list[str]:
    """The layer types of a role, such as every `norm`."""
    return [name for name in layer_types() if (cls := find_layer(name)) is not None and cls.role == role]


__all__ = ["FAMILIES", "Layer", "find_layer", "layer_types", "types_with_role"]
