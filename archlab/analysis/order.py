"""In which order values lie in memory: as their shape says, or the other way round, as after a permutation.

`model.to(memory_format=torch.channels_last)` turns the input and the weights round, and most layers keep to that.
"""

from __future__ import annotations

from archlab.graph import Graph
from archlab.layers.base import is_map
from archlab.layers.room import NOTHING, Room


class Orders:
    """What lies in another order than its shape says, and what changes by that.

    Attributes:
        swapped: for each node, whether its value does.
        rooms: by node that reads such a value first, what it takes further.
        copies: the nodes that are views else, and copies of such a value.
    """

    __slots__ = ("copies", "rooms", "swapped")

    def __init__(self, graph: Graph, *, channels_last: bool = False) -> None:
        """Follow the order through a network.

        Args:
            graph: the network.
            channels_last: whether the input and the weights lie in that memory format.
        """
        self.rooms: dict[int, Room] = {}
        self.copies: set[int] = set()
        self.swapped = [False] * len(graph.nodes)
        starts = channels_last and is_map(graph.input_shape)
        if starts or any(node.layer.order in {"swaps", "other"} for node in graph.nodes):
            self.swapped[0] = starts
            for node in graph.layers:
                before = self.swapped[node.inputs[0]]
                after = {"keeps": before, "swaps": not before, "shape": False, "other": True}
                self.swapped[node.index] = after[node.layer.order]
            self._find_changes(graph)

    def _find_changes(self, graph: Graph) -> None:
        for node in graph.layers:
            if self.swapped[node.inputs[0]]:
                shapes = graph.input_shapes(node)
                room = node.layer.reordering(shapes, node.shape)
                if room is not NOTHING:
                    self.rooms[node.index] = room
                if node.layer.needs_order(shapes):
                    self.copies.add(node.index)
