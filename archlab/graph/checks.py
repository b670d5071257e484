"""Checks that need the whole graph: nothing computed in vain, nothing overwritten while it is still read."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import Problems
from archlab.graph.graph import Graph, Node


def check_graph(graph: Graph, problems: Problems, left_over: set[int]) -> None:
    """Record what is wrong with a graph as a whole.

    Args:
        graph: the network.
        problems: the collector.
        left_over: nodes that layers have read which `prune` left out.
    """
    readers = _readers(graph)
    _check_used(graph, readers, problems, left_over)
    _check_inplace(graph, readers, problems)


def _readers(graph: Graph) -> list[list[int]]:
    """For each node those that read it; sources only count its samples."""
    readers: list[list[int]] = [[] for _ in graph.nodes]
    for node in graph.nodes:
        for source in node.inputs if node.layer.role != "source" else ():
            readers[source].append(node.index)
    return readers


def _check_used(graph: Graph, readers: list[list[int]], problems: Problems, left_over: set[int]) -> None:
    results = {index for _, index in graph.outputs}
    for node in graph.layers:
        if not readers[node.index] and node.index not in results:
            message = f"the output of '{node.path}' is used by nothing; name it in 'outputs', join it, or remove it"
            counts = [one for one in graph.layers if one.layer.role == "source" and node.index in one.inputs]
            if counts:
                message += f"; '{counts[0].path}' takes nothing of it but the number of samples"
            if not node.inputs:
                message = f"the input '{node.path}' is read by nothing; name it in 'from' or 'with', or remove it"
            if node.index in left_over:
                message = f"the output of '{node.path}' is used only for an output of a block that nothing reads"
                message += "; read that output too, or remove both"
            problems.add(message, Code.UNUSED, node.place, node.trail)
            return  # what led to it needs no problem of its own


def _check_inplace(graph: Graph, readers: list[list[int]], problems: Problems) -> None:
    """An in-place layer must be the only reader of its input, or the others read overwritten values."""
    needed = _needed(graph, readers, {index for _, index in graph.outputs})
    for node, runtime in zip(graph.nodes, graph.runtimes, strict=True):
        culprit = needed[node.inputs[0]] if runtime.overwrites else None
        if culprit is not None:
            message = f"'{node.path}' overwrites its input, which {_user(graph, readers, culprit, node)}"
            problems.add(f"{message}; remove 'inplace: true'", Code.INPLACE, node.place, node.trail)


def _needed(graph: Graph, readers: list[list[int]], results: AbstractSet[int]) -> list[int | None]:
    """For each node: the value in the memory of its output that somebody else needs, if there is one."""
    needed: list[int | None] = []
    for node, runtime in zip(graph.nodes, graph.runtimes, strict=True):
        if node.index in results or not node.inputs or len(readers[node.index]) > 1:
            needed.append(node.index)
        else:
            needed.append(None if runtime.storage == "new" else needed[node.inputs[0]])
    return needed


def may_overwrite(graph: Graph, index: int) -> bool:
    """Whether one further reader of a node's value, which no one else is told of, may write over it.

    Args:
        graph: the network so far.
        index: of the node.
    """
    readers = _readers(graph)
    readers[index] = [*readers[index], len(graph.nodes)]
    return _needed(graph, readers, frozenset())[index] is None


def _user(graph: Graph, readers: list[list[int]], value: int, node: Node) -> str:
    """Who else needs a value."""
    if not graph.nodes[value].inputs:
        return "is the network's input"
    others = [graph.nodes[reader].path for reader in readers[value] if reader != node.index]
    return f"is also read by '{others[-1]}'" if others else "is an output of the network"
