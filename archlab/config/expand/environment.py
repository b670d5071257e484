"""Where the walk over a config stands: what is visible there, and where its nodes go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archlab.config.expand.init import TensorInit
from archlab.config.expand.names import NameTable, Value
from archlab.config.expand.recording import Recording
from archlab.config.syntax.expressions import UNKNOWN
from archlab.config.syntax.naming import PathScope
from archlab.layers.base import map_size


@dataclass(slots=True)
class Environment:
    """What is visible where the walk stands."""

    variables: dict[str, Any]
    names: NameTable
    scope: PathScope
    trail: tuple[str, ...] = ()
    open_blocks: tuple[str, ...] = ()
    depth: int = 0
    init: Mapping[str, TensorInit] = field(default_factory=dict)
    """Initialisers by layer type that the blocks around say."""
    recording: Recording | None = None
    """Of the block's use, where one is wanted."""


@dataclass(slots=True)
class Spot:
    """Where a single repetition of an item goes: its scope, its label there, and whether the user wrote the label."""

    scope: PathScope
    label: str
    written: bool


def value_size(value: Value) -> Any:
    """Height and width of a map, for expressions; null for a flat value."""
    if value is None:
        return UNKNOWN
    size = map_size(value.shape)
    return None if size is None else list(size)
