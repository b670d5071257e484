"""Which way the main path of a network goes, and which edges are shortcuts past a part of it.

At a join the main path comes from the input behind the most convolutions and linear layers; where a gate scales a map,
from the map. A shortcut is an arm of a join that leaves the main path and comes back with less done on it: the
identity or the projection (of one convolution) of a residual block, the skip of a U-Net. The branches of an Inception
block and those of an HRNet, which do as much as the others, are none.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from archlab.graph import Graph, Node

Edge = tuple[int, int]
"""Source and target, as indices of nodes."""

LONGEST_ARM = 200
"""Nodes of a shortcut; beyond that it is a branch."""
BESIDE_CONCAT = 8
"""How many times the convolutions of an arm the main path has, for a concatenated arm to be a shortcut."""


@dataclass(frozen=True)
class Paths:
    """Edges by what they are.

    Attributes:
        main: on the main path of a result.
        shortcuts: of arms that lead past a part of the main path.
    """

    main: frozenset[Edge]
    shortcuts: frozenset[Edge]


def paths_of(graph: Graph) -> Paths:
    """The main path and the shortcuts of a network."""
    tree = _Tree(graph)
    shortcuts = [edge for node in graph.nodes if _joins(node) for edge in tree.shortcuts_into(node)]
    return Paths(frozenset(tree.main()), frozenset(shortcuts))


def _joins(node: Node) -> bool:
    """Whether arms come together in it as equals; a gate is no arm."""
    return node.layer.role == "join" and len(node.inputs) > 1 and node.layer.type != "multiply"


class _Tree:
    """The main inputs of all nodes: every node's way back to an input of the network."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        nodes = graph.nodes
        self._done = [0] * len(nodes)
        """Convolutions and linear layers on each node's way back."""
        self._parent = [-1] * len(nodes)
        for node in nodes:
            if node.inputs:
                self._parent[node.index] = self._main_input(node)
            before = self._done[self._parent[node.index]] if node.inputs else 0
            self._done[node.index] = before + (node.layer.role == "weighted")
        self._first, self._last = self._intervals()

    def _main_input(self, node: Node) -> int:
        inputs = node.inputs
        if len(inputs) == 1 or node.layer.role != "join":
            return inputs[0]
        if node.layer.type == "multiply":
            shapes = self._graph.input_shapes(node)
            return inputs[max(range(len(inputs)), key=lambda at: prod(shapes[at]))]
        return max(inputs, key=self._done.__getitem__)

    def _intervals(self) -> tuple[list[int], list[int]]:
        """Numbers of the nodes so that those behind a node are between its first and last one."""
        size = [1] * len(self._parent)
        for index in range(len(size) - 1, -1, -1):
            if self._parent[index] >= 0:
                size[self._parent[index]] += size[index]
        first, free, roots = [0] * len(size), [0] * len(size), 0
        for index, parent in enumerate(self._parent):
            if parent < 0:
                first[index], roots = roots, roots + size[index]
            else:
                first[index] = free[parent]
                free[parent] += size[index]
            free[index] = first[index] + 1
        return first, [number + count - 1 for number, count in zip(first, size, strict=True)]

    def _leads_to(self, index: int, to: int) -> bool:
        """Whether a node is on another's way back, or is it."""
        return self._first[index] <= self._first[to] <= self._last[index]

    def main(self) -> list[Edge]:
        """The edges of the results' main paths."""
        seen: set[int] = set()
        edges: list[Edge] = []
        for _, index in self._graph.outputs:
            while self._parent[index] >= 0 and index not in seen:
                seen.add(index)
                edges.append((self._parent[index], index))
                index = self._parent[index]  # noqa: PLW2901 - back along the path
        return edges

    def shortcuts_into(self, node: Node) -> list[Edge]:
        """The edges of the arms of a join that are shortcuts."""
        main = self._parent[node.index]
        arms = [self._arm(source, node.index, main) for source in dict.fromkeys(node.inputs) if source != main]
        return [edge for arm in arms if self._is_short(arm, main, node) for edge in arm]

    def _arm(self, source: int, target: int, main: int) -> list[Edge]:
        """From the main path to a join; nothing where it never leaves that path, or is long."""
        edges = [(source, target)]
        while not self._leads_to(source, main):
            parent = self._parent[source]
            if parent < 0 or len(edges) > LONGEST_ARM:
                return []
            edges.append((parent, source))
            source = parent
        return edges

    def _is_short(self, arm: list[Edge], main: int, node: Node) -> bool:
        if not arm:
            return False
        (fork, _), (end, _) = arm[-1], arm[0]
        beside, through = self._done[end] - self._done[fork], self._done[main] - self._done[fork]
        if beside == 0:
            return main != fork
        if node.layer.type == "concat":
            return beside * BESIDE_CONCAT <= through
        return beside == 1 < through
