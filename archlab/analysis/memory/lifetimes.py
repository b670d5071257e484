"""How long the variables of a built model's forward pass live."""

from __future__ import annotations

from archlab.graph import Graph


def last_uses(graph: Graph) -> list[int]:
    """For each node: the last one that reads its value; beyond all of them for the results and the input.

    On a device nobody holds the input.
    """
    last = [node.index for node in graph.nodes]
    for node in graph.nodes:
        for source in node.inputs:
            last[source] = node.index
    held = [node.index for node in graph.inputs] if graph.deployment is None else []
    for kept in (*held, *(index for _, index in graph.outputs)):
        last[kept] = len(graph.nodes)
    return last
