"""What layers say, asked once for each distinct layer and input shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from archlab.graph.graph import Graph
from archlab.layers.base import Layer
from archlab.layers.runtime import Runtime
from archlab.layers.shape import Shape

Answer = TypeVar("Answer")


def asked_once(graph: Graph, ask: Callable[[Layer, tuple[Shape, ...], Shape], Answer]) -> list[Answer]:
    """The answer of every node, in order; nodes that share a layer and its input shapes share an answer.

    Args:
        graph: the network.
        ask: of a layer, its inputs' shapes and its output's, without batch.
    """
    known: dict[tuple[int, tuple[Shape, ...]], Answer] = {}
    nodes = graph.nodes
    answers: list[Answer] = []
    for node in nodes:
        inputs = tuple([nodes[i].shape for i in node.inputs])
        key = (id(node.layer), inputs)
        answer = known.get(key)
        if answer is None:
            answer = known[key] = ask(node.layer, inputs, node.shape)
        answers.append(answer)
    return answers


def runtimes(graph: Graph) -> list[Runtime]:
    """How PyTorch runs every node's layer, in order."""
    return asked_once(graph, lambda layer, inputs, output: layer.runtime(inputs, output))
