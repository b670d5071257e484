"""Modules that are layers: of a class that a layer names as its own, read field by field.

The layer classes are the table: `layers.FAMILIES` names them, `torch_class` says what they are built as, and their
fields are arguments of that class, which PyTorch's modules keep as attributes of the same names.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from torch import Tensor, nn

from archlab.layers import FAMILIES, Layer, find_layer
from archlab.torch.build import module_class


class Known(NamedTuple):
    """A module as a layer.

    Attributes:
        type: of the layer.
        options: its options, defaults among them.
    """

    type: str
    options: dict[str, Any]


def known_module(module: nn.Module) -> Known | None:
    """What a module is as a layer; None where it is none, or does something else than its class does."""
    for base in type(module).__mro__:
        layer_type = _by_class().get(f"{base.__module__}.{base.__qualname__}")
        if layer_type is None:
            continue
        if type(module).forward is not getattr(base, "forward", None) or _is_changed(module):
            return None
        cls = find_layer(layer_type)
        assert cls is not None
        return Known(layer_type, _options(cls, module))
    return None


def _is_changed(module: nn.Module) -> bool:
    """Whether it computes its weights (a parametrization), or has parts that its class has not."""
    return hasattr(module, "parametrizations") or bool(getattr(module, "_forward_pre_hooks", {}).get("weight_norm"))


def _options(cls: type[Layer], module: nn.Module) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in cls.model_fields:
        if name in _READ:
            value = _READ[name](module)
        elif hasattr(module, name):
            value = getattr(module, name)
        else:
            continue
        found[name] = value.item() if isinstance(value, Tensor) else value
    return found


_READ = {"bias": lambda module: getattr(module, "bias", None) is not None}
"""Options that a module keeps in another form."""


@cache
def _by_class() -> dict[str, str]:
    """Full names of classes to layer types; the first that names one is the plain one."""
    found: dict[str, str] = {}
    for layer_type in (layer_type for types in FAMILIES.values() for layer_type in types):
        cls = find_layer(layer_type)
        if cls is None or not cls.torch_class or cls.torch_class.startswith("archlab."):
            continue
        made = module_class(cls.torch_class)
        found.setdefault(f"{made.__module__}.{made.__qualname__}", layer_type)
    return found
