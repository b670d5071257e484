"""Memory for inference: parameters, buffers, and the most activation bytes alive at one time.

The nodes run in file order and each value is freed after its last reader. Views, in-place layers and
layers that do nothing in eval mode share their input's storage. While a layer runs it may take more
(max pooling finds positions too). The network's input is alive throughout, since whoever calls the model
holds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from archlab.analysis.facts import Facts
from archlab.analysis.ledger import Ledger, Storage, Timeline
from archlab.analysis.lifetimes import last_uses
from archlab.analysis.order import Orders
from archlab.graph import Graph, Node


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


def inference_memory(
    graph: Graph, facts: list[Facts], bytes_per_element: int, batch: int, *, channels_last: bool = False
) -> InferenceMemory:
    """Walk the nodes in order, allocating outputs and freeing what has no reader left.

    Args:
        graph: the network.
        facts: of its nodes.
        bytes_per_element: of an activation.
        batch: number of samples.
        channels_last: whether the input and the weights lie in that memory format.
    """
    orders = Orders(graph, channels_last=channels_last)
    owner, last_use = _lifetimes(graph, orders.copies)
    new_bytes = [
        fact.elements * bytes_per_element * batch if owner[index] == index else 0 for index, fact in enumerate(facts)
    ]
    freed_after = [0] * (len(graph.nodes) + 1)
    for index, last in enumerate(last_use):
        freed_after[last] += new_bytes[index]
    live = peak = peak_node = 0
    for index, size in enumerate(new_bytes):
        live += size
        node = graph.nodes[index]
        running = live + facts[index].scratch.bytes(bytes_per_element, batch)
        if index in orders.rooms:
            running += orders.rooms[index].bytes(bytes_per_element, batch)
        if node.layer.pairwise and len(node.inputs) > 2:
            dying = {source for source in node.inputs if last_use[owner[source]] == index}
            running = live - size + _pairwise(node, [owner[i] for i in node.inputs], dying, new_bytes)
        if running > peak:
            peak, peak_node = running, index
        live -= freed_after[index]
    return InferenceMemory(new_bytes, peak, peak_node)


def _lifetimes(graph: Graph, copies: set[int]) -> tuple[list[int], list[int]]:
    """For each node: the node that owns its output's storage; for each owner: the last node that needs it.

    A result of the network is needed to the end, and so is the input.

    Args:
        graph: the network.
        copies: nodes that own theirs although their layers are views.
    """
    owner: list[int] = []
    last_use: list[int] = []
    for node in graph.nodes:
        owns = node.layer.storage == "new" or node.index in copies
        owner.append(node.index if owns else owner[node.inputs[0]])
        last_use.append(node.index)
        for source in node.inputs:
            last_use[owner[source]] = node.index
    for kept in (0, *(result for _, result in graph.outputs)):
        last_use[owner[kept]] = len(graph.nodes)
    return owner, last_use


def _pairwise(node: Node, owners: list[int], dying: set[int], new_bytes: list[int]) -> int:
    """The most that is taken while inputs are joined two at a time, beyond what was alive before.

    What dies with the node is freed after its pair.
    """
    size = new_bytes[node.index]
    dying_owners = {owner for owner, source in zip(owners, node.inputs, strict=True) if source in dying}
    live = peak = freed = 0
    for done in _pairs(owners):
        live += size
        peak = max(peak, live)
        freed += sum([new_bytes[owner] for owner in done if owner in dying_owners])
        live = size - freed
    return peak


def _pairs(sources: Sequence[int]) -> Iterator[list[int]]:
    """The steps in which sources are joined two at a time, each as the sources that it reads last."""
    last = {source: position for position, source in enumerate(sources)}
    for step in range(1, len(sources)):
        read = sources[:2] if step == 1 else sources[step : step + 1]
        yield list(dict.fromkeys([source for source in read if last[source] <= step]))


def inference_timeline(
    graph: Graph, facts: list[Facts], bytes_per_element: int, batch: int, *, channels_last: bool = False
) -> Timeline:
    """The same walk with every storage remembered, which takes three times as long; the peak is the same.

    Args:
        graph: the network.
        facts: of its nodes.
        bytes_per_element: of an activation, a parameter and a buffer without a dtype of its own.
        batch: number of samples.
        channels_last: whether the input and the weights lie in that memory format.
    """
    elements = sum([fact.params + fact.buffers - fact.fixed_buffers for fact in facts])
    ledger = Ledger(elements * bytes_per_element + sum([fact.fixed_buffer_bytes for fact in facts]))
    last_use = last_uses(graph)
    orders = Orders(graph, channels_last=channels_last)
    values: dict[int, Storage] = {}
    for node, fact in zip(graph.nodes, facts, strict=True):
        size = fact.elements * bytes_per_element * batch
        if node.layer.storage != "new" and node.index not in orders.copies:
            values[node.index] = values[node.inputs[0]]
            values[node.index].holders += 1
        elif node.layer.pairwise and len(node.inputs) > 2:
            values[node.index] = _take_pairwise(ledger, node, values, last_use, size)
        else:
            values[node.index] = ledger.take(size, "output" if node.inputs else "input", node.index)
        beside = fact.scratch.bytes(bytes_per_element, batch)
        if node.index in orders.rooms:
            beside += orders.rooms[node.index].bytes(bytes_per_element, batch)
        ledger.pass_by(beside, node.index)
        for source in {*node.inputs, node.index}:
            if last_use[source] <= node.index and source in values:
                ledger.release(values.pop(source))
        if node.inputs:
            ledger.close("forward", node.index)
    return ledger.timeline()


def _take_pairwise(ledger: Ledger, node: Node, values: dict[int, Storage], last_use: list[int], size: int) -> Storage:
    """Join inputs two at a time, dropping what dies with the node after its pair."""
    result: Storage | None = None
    for done in _pairs(node.inputs):
        made = ledger.take(size, "output", node.index)
        if result is not None:
            ledger.release(result)
        result = made
        for source in done:
            if source in values and last_use[source] <= node.index:
                ledger.release(values.pop(source))
    assert result is not None
    return result
