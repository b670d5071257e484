"""How long the variables of a built model's forward pass live."""

from __future__ import annotations

from archlab.graph import Graph


def last_uses(graph: Graph) -> list[int]:
    """For each node: the last one that reads its value; beyond all of them for the input and the results."""
    last = [node.index for node in graph.nodes]
    for node in graph.nodes:
        for source in node.inputs:
            last[source] = node.index
    for kept in (*(node.index for node in graph.inputs), *(index for _, index in graph.outputs)):
        last[kept] = len(graph.nodes)
    return last
