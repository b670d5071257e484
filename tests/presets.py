"""The presets, each read and analysed once for all tests of a process; networks and analyses never change."""

from __future__ import annotations

from functools import cache
from typing import Any

from archlab.analysis import Analysis
from archlab.api.load import load
from archlab.api.network import Network
from archlab.graph import Graph
from archlab.zoo.rows import preset_targets

TARGETS = preset_targets()
"""Every network of the zoo by name."""


@cache
def network(name: str) -> Network:
    """A preset or variant as it is written."""
    return load(name)


@cache
def analysis(name: str) -> Analysis:
    """Its numbers under the default conditions."""
    return network(name).analyze()


def nodes_of(graph: Graph) -> list[tuple[Any, ...]]:
    """Everything about each node of a graph but for its place in a text; layers by their type and options."""
    return [
        (n.index, n.path, n.layer.type, repr(n.layer), n.inputs, n.shape, n.shares, n.zero_init, n.init)
        for n in graph.nodes
    ]
