"""Modules that are layers: of a class that a layer names as its own, read field by field.

The layer classes are the table: their types are the names of PyTorch's classes in snake case, `torch_class` says what
they are built as, and their fields are arguments of that class, which PyTorch's modules keep as attributes of the same
names. `lookalikes` knows the classes of other packages that compute the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from torch import Tensor, nn

from archlab.layers import Layer, find_layer, layer_types
from archlab.torch.build import module_class
from archlab.torch.importing.lookalikes import Known, lookalike, parametrized
from archlab.torch.importing.opaque import own_tensors


class Match(NamedTuple):
    """A module as a layer.

    Attributes:
        known: the layer; None where it does nothing.
        tensors: the layer's tensors, by archlab's names.
    """

    known: Known | None
    tensors: dict[str, Tensor]


def known_module(module: nn.Module) -> Match | None:
    """What a module is as a layer; None where it is none, or does something else than its class does."""
    if _is_changed(module):
        return None
    known = parametrized(module) if hasattr(module, "parametrizations") else lookalike(module) or _plain(module)
    if known is None:
        return None
    return Match(None if _does_nothing(known) else known, own_tensors(module))


def _plain(module: nn.Module) -> Known | None:
    kind = type(module)
    if kind not in _PLAIN:
        _PLAIN[kind] = _plain_type(kind)
    layer_type = _PLAIN[kind]
    if layer_type is None or getattr(module, "recompute_scale_factor", None):
        return None
    cls = find_layer(layer_type)
    assert cls is not None
    return Known(layer_type, _options(cls, module))


def _is_changed(module: nn.Module) -> bool:
    """Whether one's own code goes with it: computed weights, another `forward`, hooks on what it gives."""
    own = vars(module)
    watched = len(own["_forward_hooks"]) > 1  # one of them is the tracer's
    return "forward" in own or watched


def _does_nothing(known: Known) -> bool:
    """Whether it gives what it takes, in training too."""
    return known.type == "identity" or (known.options.get("p") == 0 and "dropout" in known.type)


_PLAIN: dict[type[nn.Module], str | None] = {}
"""Classes that were asked for, to layer types."""


def _plain_type(kind: type[nn.Module]) -> str | None:
    """The layer type of a class, or of one that it changes nothing of."""
    for base in kind.__mro__:
        layer_type = _types().get(base.__name__.lower())
        if layer_type is None or not base.__module__.startswith(("torch.nn.", "torchvision.")):
            continue
        cls = find_layer(layer_type)
        if cls is not None and cls.torch_class and module_class(cls.torch_class) is base:
            return None if any(_overridden(kind, base)) else layer_type
    return None


@cache
def _types() -> dict[str, str]:
    """Layer types by their letters alone, which are those of PyTorch's class names."""
    return {layer_type.replace("_", ""): layer_type for layer_type in layer_types()}


_HARMLESS = ("__init__", "__repr__", "extra_repr", "reset_parameters", "__module__", "__doc__", "__annotations__")


def _overridden(kind: type, base: type) -> Iterator[str]:
    """What a class does otherwise than one that it inherits from."""
    for cls in kind.__mro__[: kind.__mro__.index(base)]:
        for name, value in vars(cls).items():
            changes = callable(value) or isinstance(value, property | staticmethod | classmethod)
            if changes and name not in _HARMLESS and hasattr(base, name):
                yield name


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
