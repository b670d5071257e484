"""Networks after expansion: primitive layers in order, and parts of them."""

from __future__ import annotations

from archlab.graph.graph import Graph, HasGraph, Node, OutputForm, graph_of, renumbered

__all__ = ["Graph", "HasGraph", "Node", "OutputForm", "graph_of", "renumbered"]
