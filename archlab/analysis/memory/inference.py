"""Memory for inference: parameters, buffers, and the most activation bytes alive at one time.

The nodes run in file order and each value is freed after its last reader. Views, in-place layers and
layers that do nothing in eval mode share their input's storage. While a layer runs it may take more
(max pooling finds positions too). The network's input is alive throughout, since whoever calls the model
holds it.
"""

from __future__ import annotations

from typing import NamedTuple

from archlab.analysis.memory.ledger import Ledger, Storage, Timeline
from archlab.analysis.memory.program import Call, Program
from archlab.layers.room import NOTHING


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


def inference_memory(written: Program, bytes_per_element: int) -> InferenceMemory:
    """Walk the calls in order, allocating values and freeing what has no name left.

    Args:
        written: the calls of a forward pass.
        bytes_per_element: of an activation.
    """
    calls = written.calls
    owner, holders = list(range(len(calls))), [0] * len(calls)
    live = peak = peak_node = 0
    for call in calls:
        if call.holding != "new":
            owner[call.index] = owner[call.inputs[0]]
        else:
            live += call.elements
        holders[owner[call.index]] += 1
        running = live * bytes_per_element
        if call.operator.scratch is not NOTHING:
            running += _beside(call, bytes_per_element)
        if running > peak:
            peak, peak_node = running, call.node
        for index in call.drops:
            held = owner[index]
            holders[held] -= 1
            if not holders[held]:
                live -= calls[held].elements
    new_bytes = [
        calls[result].elements * bytes_per_element if calls[owner[result]].node == calls[result].node else 0
        for result in written.results
    ]
    return InferenceMemory(new_bytes, peak, peak_node)


def _beside(call: Call, bytes_per_element: int) -> int:
    scratch = call.operator.scratch
    return 0 if scratch is NOTHING else scratch.bytes(bytes_per_element, 1)


def inference_timeline(written: Program, base: int, bytes_per_element: int) -> Timeline:
    """The same walk with every storage remembered, which takes longer; the peak is the same.

    Args:
        written: the calls of a forward pass.
        base: bytes of what is there throughout: parameters and buffers.
        bytes_per_element: of an activation.
    """
    ledger = Ledger(base)
    values: dict[int, Storage] = {}
    inputs = len(written.graph.inputs)
    for call in written.calls:
        if call.holding == "new":
            size = call.elements * bytes_per_element
            values[call.index] = ledger.take(size, "output" if call.node >= inputs else "input", call.node)
        else:
            values[call.index] = values[call.inputs[0]]
            values[call.index].holders += 1
        ledger.pass_by(_beside(call, bytes_per_element), call.node)
        for index in call.drops:
            ledger.release(values.pop(index))
        if call.is_last and call.index:
            ledger.close("forward", call.node)
    return ledger.timeline()
