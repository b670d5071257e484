"""A part of a network: everything up to some of its layers, as a backbone for something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.spelling import spelling
from archlab.diagnostics.suggest import did_you_mean
from archlab.graph.graph import Graph, Node, renumbered


def cut(graph: Graph, names: Sequence[str]) -> Graph:
    """The graph that gives the values of some layers, with nothing that these do not need.

    Args:
        graph: the whole network.
        names: paths of layers (`layer1.0.conv1`), or of what is made of layers (`layer1`, `layer1.0`): its last.

    Returns:
        A graph whose built model returns a dictionary by these names.

    Raises:
        ConfigError: if there is no such layer, no name at all, or one twice.
    """
    if not names:
        raise single_problem("outputs: name at least one layer", Code.WRONG_VALUE)
    twice = next((name for position, name in enumerate(names) if name in names[:position]), None)
    if twice is not None:
        raise single_problem(f"outputs: '{twice}' is there twice", Code.WRONG_VALUE)
    ends = [_find(graph, name) for name in names]
    nodes, number = renumbered([graph.nodes[index] for index in sorted(_needed(graph, ends))])
    outputs = [(name, number[end.index]) for name, end in zip(names, ends, strict=True)]
    return replace(graph, nodes=nodes, outputs=outputs, output_form="dict")


def _find(graph: Graph, name: str) -> Node:
    inside = name + "."
    found = [node for node in graph.layers if node.path == name or node.path.startswith(inside)]
    if not found:
        scopes = {node.path[:end]: None for node in graph.layers for end in _ends(node.path)}
        hint = did_you_mean(name, scopes) or f"; see {spelling().layers}"
        raise single_problem(f"{graph.name} has no layer '{name}'{hint}", Code.UNKNOWN_LAYER)
    return found[-1]


def _ends(path: str) -> list[int]:
    """Where a path, or a level above it, ends."""
    return [*(position for position, letter in enumerate(path) if letter == "."), len(path)]


def _needed(graph: Graph, ends: list[Node]) -> set[int]:
    """The nodes, and all that they are made from; the input is always there."""
    needed = {0}
    waiting = [node.index for node in ends]
    while waiting:
        index = waiting.pop()
        if index not in needed:
            needed.add(index)
            waiting += graph.nodes[index].inputs
    return needed
