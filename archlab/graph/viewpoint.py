"""A network with another of its inputs as the first, which is the one whose positions fields are told in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import listed
from archlab.graph.graph import Graph, Node

T = TypeVar("T")


def seen_from(graph: Graph, start: Node) -> Graph:
    """The same network, whose built model takes an input in front of the others.

    Args:
        graph: the network.
        start: the input.
    """
    if start.index == 0:
        return graph
    number = [0] * len(graph.nodes)
    for new, node in enumerate(moved_up(graph.nodes, start)):
        number[node.index] = new
    nodes = [
        node
        if number[node.index] == node.index and all(number[source] == source for source in node.inputs)
        else replace(node, index=number[node.index], inputs=tuple([number[source] for source in node.inputs]))
        for node in moved_up(graph.nodes, start)
    ]
    return replace(graph, nodes=nodes, outputs=[(label, number[index]) for label, index in graph.outputs])


def moved_up(values: Sequence[T], start: Node) -> list[T]:
    """What there is for each node, in the order of `seen_from`."""
    return [values[start.index], *values[: start.index], *values[start.index + 1 :]]


def input_named(graph: Graph, name: str) -> Node:
    """An input by its name.

    Raises:
        ConfigError: if there is none.
    """
    names = [node.path for node in graph.inputs]
    if name not in names:
        hint = did_you_mean(name, names) or f"; there {'are' if len(names) > 1 else 'is'} {listed(names)}"
        raise single_problem(f"{graph.name} has no input '{name}'{hint}", Code.BAD_INPUT)
    return graph.inputs[names.index(name)]
