"""A layer in a few words."""

from __future__ import annotations

from typing import Any

from archlab.layers.base import Layer
from archlab.layers.shape import shape_text

_HIDDEN = ("inplace", "bias", "out_channels", "out_features", "output_size")
"""Options that the other columns show, or that change no number worth a column."""


def own_options(layer: Layer) -> dict[str, Any]:
    """The options that differ from PyTorch's defaults or have none, by the words of a config."""
    fields = type(layer).model_fields
    return {
        fields[name].alias or name: dict(value) if isinstance(value, dict) else value
        for name, value in layer.__dict__.items()
        if fields[name].is_required() or value != fields[name].default
    }


def describe(layer: Layer) -> str:
    """`conv2d 3x3 /2 g32`: the type and what makes it different from the default."""
    if layer.role == "opaque":
        return " ".join(
            [layer.type, "(opaque)", *[f"{name}={value}" for name, value in layer.torch_arguments().items()]]
        )
    words: list[str] = [layer.type]
    for name, value in own_options(layer).items():
        if name == "kernel_size":
            words.append(shape_text(value) if isinstance(value, tuple) else str(value))
        elif name == "stride" and value is not None:
            words.append(f"/{value[0] if len(set(value)) == 1 else shape_text(value)}")
        elif name not in _HIDDEN:
            words.append(f"{name}={_value_text(value)}")
    return " ".join(words)


def _value_text(value: object) -> str:
    if isinstance(value, tuple) and len(set(map(str, value))) == 1:
        value = value[0]
    return str(value)
