"""The presets, each read and analysed once for all tests of a process; networks and analyses never change."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from archlab.analysis import Analysis
from archlab.api.load import load, loads
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


_SHALLOW = {
    "resnet18": "params: {d2: 1, d3: 1, d4: 1}",
    "regnet_y_400mf": "params: {depth: 6, w_a: 80}",
    "shufflenet_v2_x0_5": "layers: {stage2: {repeat: 2}, stage3: {repeat: 2}, stage4: {repeat: 2}}",
    "mnasnet0_5": "layers: {stage2: {repeat: 2}, stage3: {repeat: 2}, stage5: {repeat: 2}}",
}


def shallow(name: str) -> Network:
    """A preset with a small image and fewer repetitions of its blocks, all of whose kinds are there."""
    found = loads(f"extends: {name}\n{_SHALLOW.get(name, '')}", name=name, input=(3, 64, 64))
    assert set(_kinds(found.graph)) == set(_kinds(network(name).graph))
    return found


def _kinds(graph: Graph) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Types of layers, with those that they read."""
    return ((node.layer.type, tuple([graph.nodes[at].layer.type for at in node.inputs])) for node in graph.nodes)
