"""What the layers say about themselves, asked once for each distinct layer and input shape.

Repeated blocks share layers, so that a ResNet-152 asks a few dozen questions instead of hundreds.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.graph import Graph, Node
from archlab.layers.base import Layer
from archlab.layers.geometry import IDENTITY, AxisReads, listed_taps
from archlab.layers.runtime import Runtime
from archlab.layers.shape import Shape

DTYPE_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1, "int64": 8}

MAX_READ_STEPS = 1_000_000
"""Bound on listing what layers read, where outputs differ from one another, in steps of about a microsecond."""


class Facts(NamedTuple):
    """Numbers of one node for one sample.

    A node whose module an earlier one has called has no params and buffers of its own; what its derivative needs of
    them (`learned`) it has all the same.
    """

    params: int
    buffers: int
    fixed_buffers: int
    """Of the buffers, those with a dtype of their own."""
    fixed_buffer_bytes: int
    macs: int
    elementwise: int
    activations: int
    elements: int
    """Output elements."""
    reads: tuple[AxisReads, ...]
    runtime: Runtime
    learned: tuple[Shape, ...]
    """Shapes of the learnable tensors."""
    learnable: tuple[int, ...]
    """Elements of each learnable tensor."""
    has_order: bool
    """Whether its weight has several channels and positions, so that its order in memory matters."""
    shared: int = 0
    """Elements of params and buffers that are an earlier node's."""
    unknown: tuple[str, ...] = ()
    """Of an opaque layer: the numbers that nobody has declared, here without what they add."""


def collect_facts(graph: Graph) -> list[Facts]:
    """The facts of every node, in order.

    Raises:
        ConfigError: where what the layers read takes too long to be listed.
    """
    runtimes = graph.runtimes
    spent = 0

    def ask(node: Node, inputs: tuple[Shape, ...]) -> Facts:
        nonlocal spent
        spent += node.layer.read_steps(inputs, node.shape)
        _require_few(spent, node)
        found = _ask(node.layer, inputs, node.shape, runtimes[node.index])
        spent += sum(listed_taps(axis) for reads in found.reads for axis in reads if axis is not IDENTITY)
        _require_few(spent, node)
        return found

    facts = graph.asked_once(ask)
    for index in graph.repeats():
        own = facts[index]
        shared = own.params + own.buffers
        facts[index] = own._replace(
            params=0,
            buffers=0,
            fixed_buffers=0,
            fixed_buffer_bytes=0,
            learnable=(),
            shared=shared,
            unknown=tuple([name for name in own.unknown if name not in ("params", "buffers")]),
        )
    return facts


def _require_few(steps: int, node: Node) -> None:
    if steps > MAX_READ_STEPS:
        message = f"'{node.path}': its receptive field has too many different units to be worked out"
        raise single_problem(message, Code.TOO_LARGE, node.place)


def _ask(layer: Layer, inputs: tuple[Shape, ...], output: Shape, runtime: Runtime) -> Facts:
    buffers = fixed = fixed_bytes = 0
    learned: list[Shape] = []
    tensors = layer.tensors(inputs)
    for tensor in tensors:
        if tensor.learnable:
            learned.append(tensor.shape)
            continue
        buffers += tensor.elements
        if tensor.dtype is not None:
            fixed += tensor.elements
            fixed_bytes += tensor.elements * DTYPE_BYTES[tensor.dtype]
    elements, cost = prod(output), layer.cost(inputs, output)
    learnable = tuple([prod(shape) for shape in learned])
    return Facts(
        params=sum(learnable),
        buffers=buffers,
        fixed_buffers=fixed,
        fixed_buffer_bytes=fixed_bytes,
        macs=cost.macs,
        elementwise=cost.elementwise,
        activations=elements if layer.role == "weighted" else cost.activations,
        elements=elements,
        reads=layer.reads(inputs, output),
        runtime=runtime,
        learned=tuple(learned),
        learnable=learnable,
        has_order=any(_has_order(tensor.shape) for tensor in tensors),
        unknown=cost.unknown,
    )


def _has_order(shape: Shape) -> bool:
    """Whether a weight of (out_channels, in_channels, *kernel_size) lies differently in its two orders.

    Those of one axis have no memory format with the channels last.
    """
    return len(shape) in (4, 5) and shape[1] > 1 and prod(shape[2:]) > 1
