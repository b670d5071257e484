"""The network's input."""

from __future__ import annotations

from typing import ClassVar

from archlab.layers.base import Layer


class Input(Layer):
    """The network's input: the first node of every graph, never written as a layer."""

    type: ClassVar[str] = "input"
    alias: ClassVar[str] = "input"
