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
    "pooling": ("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"),
    "norm": ("batch_norm2d", "local_response_norm"),
    "linear": ("linear",),
    "activation": (
        *("relu", "relu6", "leaky_relu", "rrelu", "prelu", "elu", "selu", "celu", "gelu", "silu", "mish"),
        *("hardswish", "hardsigmoid", "hardtanh", "sigmoid", "log_sigmoid", "tanh", "tanhshrink"),
        *("softplus", "softsign", "softshrink", "hardshrink", "threshold"),
        *("softmax", "softmin", "log_softmax", "softmax2d", "glu"),
    ),
    "join": ("add", "concat", "multiply", "narrow"),
    "reshape": ("flatten", "zero_pad2d", "identity", "dropout", "dropout2d"),
}
"""Module in this package to the layer types it defines: the one list a new layer is added to."""

_MODULE_OF = {layer_type: module for module, types in FAMILIES.items() for layer_type in types}
_classes: dict[str, type[Layer]] = {}


def layer_types() -> tuple[str, ...]:
    """Every layer type that a config may name."""
    return tuple(_MODULE_OF)


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
