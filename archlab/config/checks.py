"""Checks that need the whole graph: nothing computed in vain, nothing overwritten while it is still read."""

from __future__ import annotations

from archlab.config.problem import Problems
from archlab.graph import Graph, Node


def check_graph(graph: Graph, problems: Problems) -> None:
    """Record what is wrong with a graph as a whole."""
    readers = _readers(graph)
    _check_used(graph, readers, problems)
    _check_inplace(graph, readers, problems)


def _readers(graph: Graph) -> list[list[int]]:
    readers: list[list[int]] = [[] for _ in graph.nodes]
    for node in graph.nodes:
        for source in node.inputs:
            readers[source].append(node.index)
    return readers


def _check_used(graph: Graph, readers: list[list[int]], problems: Problems) -> None:
    results = {index for _, index in graph.outputs}
    for node in graph.layers:
        if not readers[node.index] and node.index not in results:
            problems.add(
                f"the output of '{node.path}' is used by nothing; name it in 'outputs', join it, or remove it",
                "unused",
                node.place,
                node.trail,
            )
            return  # what led to it needs no problem of its own


def _check_inplace(graph: Graph, readers: list[list[int]], problems: Problems) -> None:
    """An in-place layer must be the only reader of its input, or the others read overwritten values."""
    results = {index: label for label, index in graph.outputs}
    for node in graph.layers:
        if node.layer.storage != "inplace":
            continue
        for alias in _aliases(graph, node.inputs[0]):
            others = [reader for reader in readers[alias] if reader != node.index and reader not in _chain(graph, node)]
            if alias == 0:
                user = "is the network's input"
            elif alias in results:
                user = "is an output of the network"
            elif others:
                user = f"is also read by '{graph.nodes[others[0]].path}'"
            else:
                continue
            problems.add(
                f"'{node.path}' overwrites its input, which {user}; remove 'inplace: true'",
                "inplace",
                node.place,
                node.trail,
            )
            break


def _aliases(graph: Graph, index: int) -> list[int]:
    """The values that live in the same memory as a node's output, back to where it was made."""
    chain = [index]
    while index and graph.nodes[index].layer.storage != "new":
        index = graph.nodes[index].inputs[0]
        chain.append(index)
    return chain


def _chain(graph: Graph, node: Node) -> set[int]:
    """The views between a value and the layer that overwrites it: they read it on the way, which is fine."""
    found: set[int] = set()
    index = node.inputs[0]
    while index and graph.nodes[index].layer.storage != "new":
        found.add(index)
        index = graph.nodes[index].inputs[0]
    return found
