"""What only unused outputs of blocks need is left out, as HRNet's code does with `multi_scale_output=False`.

A block gives all its outputs wherever it stands. Where one of them is read and another is not (the last of several
repetitions, say), the layers in the block that nothing else needs are no part of the network.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

from archlab.graph import Graph, Node, renumbered


class Use(NamedTuple):
    """A use of a block with several outputs.

    Attributes:
        start: index of its first node.
        stop: index behind its last.
        outputs: its nodes that are outputs.
        is_whole: whether it is a whole network, of which whatever the outputs do not need is left out.
        passes_on: whether an input of it is an output too, which counts as read.
    """

    start: int
    stop: int
    outputs: tuple[int, ...]
    is_whole: bool = False
    passes_on: bool = False

    def moved(self, by: int) -> Use:
        """The same use where its nodes are copied to."""
        outputs = tuple([index + by for index in self.outputs])
        return self._replace(start=self.start + by, stop=self.stop + by, outputs=outputs)


def prune(graph: Graph, uses: list[Use]) -> set[int]:
    """Leave out the layers that only unused outputs of blocks need.

    Args:
        graph: with all layers; those that stay are numbered anew.
        uses: of blocks with several outputs.

    Returns:
        The new indices of the nodes that a layer left out has read.
    """
    dropped = _dropped(graph, uses) if uses else set()
    if not dropped:
        return set()
    lost = {source for index in dropped for source in graph.nodes[index].inputs} - dropped
    nodes, number = renumbered([node for node in graph.nodes if node.index not in dropped])
    graph.nodes, graph.outputs = _with_owners(nodes), [(label, number[index]) for label, index in graph.outputs]
    return {number[index] for index in lost}


def _with_owners(nodes: list[Node]) -> list[Node]:
    """The nodes, where the first to call a module that is left out has it as its own."""
    paths = {node.path for node in nodes}
    owners: dict[str, str] = {}
    found: list[Node] = []
    for node in nodes:
        shares = node.shares
        if shares is not None and shares not in paths:
            owner = owners.setdefault(shares, node.path)
            node = replace(node, shares=None if owner == node.path else owner)  # noqa: PLW2901
        found.append(node)
    return found


def _dropped(graph: Graph, uses: list[Use]) -> set[int]:
    live = _live(graph)
    unused: set[int] = set()
    edges = [0] * (len(graph.nodes) + 1)
    for use in uses:
        read = [live[index] for index in use.outputs]
        if use.is_whole and any(read):
            unused.update([index for index in range(use.start, use.stop) if not live[index]])
            edges[use.start] += 1
            edges[use.stop] -= 1
        elif (use.passes_on or any(read)) and not all(read):
            unused.update(index for index in use.outputs if not live[index])
            edges[use.start] += 1
            edges[use.stop] -= 1
    if not unused:
        return set()
    inside = list(accumulate(edges))
    readers = [0] * len(graph.nodes)
    """How many layers that stay read a node."""
    was_read = [False] * len(graph.nodes)
    for node in graph.layers:
        for source in node.inputs:
            readers[source] += 1
            was_read[source] = True
    dropped: set[int] = set()
    for node in reversed(graph.layers):
        index = node.index
        needless = not live[index] and not readers[index] and (was_read[index] or index in unused)
        if needless and inside[index]:
            dropped.add(index)
            for source in node.inputs:
                readers[source] -= 1
    return dropped


def _live(graph: Graph) -> list[bool]:
    """For each node, whether a result needs it."""
    live = [False] * len(graph.nodes)
    for _, index in graph.outputs:
        live[index] = True
    for node in reversed(graph.nodes):
        if live[node.index]:
            for source in node.inputs:
                live[source] = True
    return live
