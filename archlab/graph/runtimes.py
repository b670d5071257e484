"""How PyTorch runs the layers of a graph, asked once for each distinct layer and input shape."""

from __future__ import annotations

from archlab.graph.graph import Graph
from archlab.layers.runtime import Runtime
from archlab.layers.shape import Shape


def runtimes(graph: Graph) -> list[Runtime]:
    """That of every node, in order."""
    known: dict[tuple[int, tuple[Shape, ...]], Runtime] = {}
    nodes = graph.nodes
    found: list[Runtime] = []
    for node in nodes:
        inputs = tuple([nodes[i].shape for i in node.inputs])
        key = (id(node.layer), inputs)
        runtime = known.get(key)
        if runtime is None:
            runtime = known[key] = node.layer.runtime(inputs, node.shape)
        found.append(runtime)
    return found
