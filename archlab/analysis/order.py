"""Values that lie in memory in another order than their shape says, as after a permutation, which is a view."""

from __future__ import annotations

from archlab.graph import Graph
from archlab.layers.room import NOTHING, Room


def reorderings(graph: Graph) -> dict[int, Room]:
    """By node: what it takes further since its first input lies in another order than its shape."""
    if not any(node.layer.order == "swaps" for node in graph.nodes):
        return {}
    swapped: list[bool] = []
    found: dict[int, Room] = {}
    for node in graph.nodes:
        before = bool(node.inputs) and swapped[node.inputs[0]]
        order = node.layer.order
        swapped.append({"keeps": before, "swaps": not before, "shape": False, "other": True}[order])
        if before:
            room = node.layer.reordering(graph.input_shapes(node), node.shape)
            if room is not NOTHING:
                found[node.index] = room
    return found
