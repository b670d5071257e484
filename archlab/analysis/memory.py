"""Memory for inference: parameters, buffers, and the most activation bytes alive at one time.

The nodes run in file order and each value is freed after its last reader. Views, in-place layers and
layers that do nothing in eval mode share their input's storage. While a layer runs it may take more
(max pooling finds positions too). The network's input is alive throughout, since whoever calls the model
holds it.
"""

from __future__ import annotations

from typing import NamedTuple

from archlab.analysis.facts import Facts
from archlab.graph import Graph


class InferenceMemory(NamedTuple):
    """Bytes.

    Attributes:
        new_bytes: for each node, what its output takes; 0 where it shares storage.
        peak: the most activation bytes alive at one time, the input among them.
        peak_node: the node running then.
    """

    new_bytes: list[int]
    peak: int
    peak_node: int


def inference_memory(graph: Graph, facts: list[Facts], bytes_per_element: int, batch: int) -> InferenceMemory:
    """Walk the nodes in order, allocating outputs and freeing what has no reader left.

    Args:
        graph: the network.
        facts: of its nodes.
        bytes_per_element: of an activation.
        batch: number of samples.
    """
    owner, last_use = _lifetimes(graph)
    new_bytes = [
        fact.elements * bytes_per_element * batch if owner[index] == index else 0 for index, fact in enumerate(facts)
    ]
    freed_after = [0] * (len(graph.nodes) + 1)
    for index, last in enumerate(last_use):
        freed_after[last] += new_bytes[index]
    live = peak = peak_node = 0
    for index, size in enumerate(new_bytes):
        live += size
        running = live + facts[index].scratch_bytes * batch
        if running > peak:
            peak, peak_node = running, index
        live -= freed_after[index]
    return InferenceMemory(new_bytes, peak, peak_node)


def _lifetimes(graph: Graph) -> tuple[list[int], list[int]]:
    """For each node: the node that owns its output's storage; for each owner: the last node that needs it.

    A result of the network is needed to the end, and so is the input.
    """
    owner: list[int] = []
    last_use: list[int] = []
    for node in graph.nodes:
        owner.append(node.index if node.layer.storage == "new" else owner[node.inputs[0]])
        last_use.append(node.index)
        for source in node.inputs:
            last_use[owner[source]] = node.index
    for kept in (0, *(result for _, result in graph.outputs)):
        last_use[owner[kept]] = len(graph.nodes)
    return owner, last_use
