"""What a walk over a block notes down, so that its nodes can be made again with other options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from archlab.config.syntax.substitute import Argument
from archlab.config.tree.items import Item
from archlab.graph import Node
from archlab.layers.base import Layer


@dataclass(slots=True)
class Emission:
    """The node of a layer that other arguments of the block may give other options."""

    item: Item
    cls: type[Layer]
    arguments: dict[str, Argument]
    variables: dict[str, Any]
    """Where the layer stands."""
    node: Node


@dataclass(slots=True)
class Recording:
    """The emissions of one walk."""

    items: frozenset[int]
    """The layers to note, by the identity of what is written."""
    emissions: list[Emission] = field(default_factory=list)
