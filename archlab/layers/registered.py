"""Layers of installed packages: `Layer` classes that a package registers by an entry point.

    [project.entry-points."archlab.layers"]
    my_pool = "mypackage.layers:MyPool"

They are looked up where a type is none of archlab's own, and found by their name in everything that archlab does. A
broken one is no traceback: `fault_of` says what is wrong with it.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple

from archlab.layers.base import Layer
from archlab.layers.foreign import error_text
from archlab.layers.macro import Macro

GROUP = "archlab.layers"
COMBINATORS = frozenset({"residual", "branches"})
"""Types of items that are no layers."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Registered(NamedTuple):
    """What an entry point gives.

    Attributes:
        cls: the class; None where it is of no use.
        fault: why it is not.
    """

    cls: type[Layer] | None
    fault: str = ""


def registered_types(own: frozenset[str]) -> list[str]:
    """The names that installed packages register, sorted.

    Args:
        own: archlab's types.
    """
    return sorted(_entries(tuple(sys.path)).keys() - own)


def find_registered(name: str, own: frozenset[str]) -> Registered | None:
    """The class that an installed package registers under a name; None where none does.

    Args:
        name: the layer type.
        own: archlab's types, which no package may register.
    """
    if name not in _entries(tuple(sys.path)):
        return None
    return _found(name, own, tuple(sys.path))


@lru_cache(8)
def _entries(_path: tuple[str, ...]) -> dict[str, list[EntryPoint]]:
    """The entry points by name, looked up once for each search path."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        known = found.setdefault(entry.name, [])
        if entry not in known:
            known.append(entry)
    return found


@lru_cache(256)
def _found(name: str, own: frozenset[str], path: tuple[str, ...]) -> Registered:
    entry, *others = _entries(path)[name]
    package = _package(entry)
    clash = [other for other in _entries(path) if other in own | COMBINATORS and package in _packages(path, other)]
    if clash:
        return Registered(None, f"{package} registers '{clash[0]}' too, which is archlab's own")
    if others:
        return Registered(None, f"{package} and {_package(others[0])} both register it")
    if not _NAME.fullmatch(name):
        return Registered(None, f"{package} registers it, and a type has small letters, digits and _ only")
    try:
        loaded = entry.load()
        fault = _fault(name, loaded)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is other people's code
        return Registered(None, f"{entry.value} of {package} cannot be imported: {error_text(error)}")
    return Registered(None, f"{entry.value} of {package} {fault}") if fault else Registered(loaded)


def _fault(name: str, loaded: object) -> str:
    if not isinstance(loaded, type) or not issubclass(loaded, Layer):
        return "is no subclass of archlab.layers.Layer"
    for attribute in ("type", "alias"):
        if not isinstance(getattr(loaded, attribute, None), str):
            return f"has no '{attribute}'"
    if loaded.type != name:
        return f"has the type '{loaded.type}', and is registered as '{name}'"
    if not loaded.torch_class and not issubclass(loaded, Macro):
        return "has no 'torch_class', so that it cannot be built"
    loaded.model_json_schema(mode="validation")
    return ""


def _package(entry: EntryPoint) -> str:
    return entry.value.partition(":")[0].partition(".")[0] if entry.dist is None else entry.dist.name


def _packages(path: tuple[str, ...], name: str) -> set[str]:
    return {_package(entry) for entry in _entries(path)[name]}
