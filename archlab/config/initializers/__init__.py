"""Initialisers of weights, with the names and options of `torch.nn.init`; each class is made when it is first used."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from archlab.config.initializers.base import Initializer

INITIALIZERS: dict[str, str] = {
    "normal": "normal",
    "trunc_normal": "normal",
    "uniform": "normal",
    "constant": "constant",
    "zeros": "constant",
    "ones": "constant",
    "kaiming_normal": "kaiming",
    "kaiming_uniform": "kaiming",
    "xavier_normal": "xavier",
    "xavier_uniform": "xavier",
    "orthogonal": "orthogonal",
}
"""Name to the module here that has it."""


@cache
def find_initializer(name: str) -> type[Initializer] | None:
    """The class of an initialiser, or None if there is none of that name."""
    if name not in INITIALIZERS:
        return None
    module = import_module(f"{__name__}.{INITIALIZERS[name]}")
    found: type[Initializer] = next(cls for cls in vars(module).values() if getattr(cls, "type", None) == name)
    return found


__all__ = ["INITIALIZERS", "Initializer", "find_initializer"]
