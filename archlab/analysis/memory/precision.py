"""The precision of each node of a training step."""

from __future__ import annotations

from archlab.analysis.facts import DTYPE_BYTES
from archlab.graph import Graph
from archlab.layers.precision import Precision, under_autocast


def precisions(graph: Graph, dtype: str, autocast: str | None = None) -> list[Precision]:
    """The precision of every node, in order.

    Args:
        graph: the network.
        dtype: of its parameters and its input.
        autocast: the lower dtype of mixed precision; None for one dtype throughout.
    """
    size = DTYPE_BYTES[dtype]
    found = [Precision(size, size)] * len(graph.nodes)
    if autocast is not None:
        lower, run = DTYPE_BYTES[autocast], graph.runtimes
        for node in graph.nodes[len(graph.inputs) :]:
            inputs = tuple([found[source].output for source in node.inputs])
            found[node.index] = under_autocast(run[node.index].autocast, inputs, lower)
    return found
