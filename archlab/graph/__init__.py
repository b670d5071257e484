"""Networks after expansion: primitive layers in order, and parts of them."""

from __future__ import annotations

from archlab.graph.graph import Graph, Node, OutputForm, renumbered

__all__ = ["Graph", "Node", "OutputForm", "renumbered"]
