"""The arena that TensorFlow Lite Micro needs for a deployed int8 network's activations."""

from __future__ import annotations

from typing import NamedTuple

from archlab.analysis.micro.lowering import NotMicroError, lowered
from archlab.analysis.micro.order import best_order
from archlab.analysis.micro.planner import aligned, arena_bytes
from archlab.analysis.micro.program import MicroProgram
from archlab.graph import Graph

MOST_OPERATORS = 5_000
"""Of a network whose arena is planned: the planner's work grows with their square."""


class Held(NamedTuple):
    """A tensor that is alive at the peak.

    Attributes:
        node: of the layer that it is of.
        size: bytes, rounded up.
        inner: the operator that makes it, where it is not the layer's value: a `PAD` in front of a convolution.
    """

    node: int
    size: int
    inner: str = ""


class Arena(NamedTuple):
    """Bytes of the arena's head, which holds activations; the interpreter's own data (its tail) come on top.

    Attributes:
        size: what the planner takes for the order of the file; None where it is not known.
        unknown: why it is not known.
        peak: the most bytes alive at one time in that order, each buffer rounded up; no plan takes less.
        peak_node: of the operator that runs then.
        held: what is alive then, the largest first.
        operators: how many there are.
        best: what the planner takes for the order with the smallest peak; `size` where that is no smaller.
        best_peak: that peak.
        best_is_exact: whether no order has a smaller peak; False where there are too many to say.
        best_order: the nodes of the operators in that order.
    """

    size: int | None
    unknown: str = ""
    peak: int = 0
    peak_node: int = 0
    held: tuple[Held, ...] = ()
    operators: int = 0
    best: int = 0
    best_peak: int = 0
    best_is_exact: bool = True
    best_order: tuple[int, ...] = ()


def micro_arena(graph: Graph, batch: int = 1) -> Arena:
    """The arena of a deployed network.

    Args:
        graph: the network, deployed.
        batch: number of samples.
    """
    try:
        program = lowered(graph, batch)
    except NotMicroError as error:
        return Arena(None, str(error))
    if len(program.operations) > MOST_OPERATORS:
        return Arena(None, f"it has {len(program.operations):,} operators; at most {MOST_OPERATORS:,} are planned for")
    return program_arena(program)


def program_arena(program: MicroProgram) -> Arena:
    """The same of operators."""
    levels = program.levels()
    peak = max(levels)
    step = levels.index(peak)
    size = arena_bytes(program.buffers())
    order = best_order(program)
    best = arena_bytes(program.reordered(order.steps).buffers())
    if best >= size:  # a smaller peak may be placed worse
        order, best = order._replace(steps=tuple(range(len(program.operations))), peak=peak), size
    return Arena(
        size,
        peak=peak,
        peak_node=program.operations[step - 1].node if step else 0,
        held=_held(program, step),
        operators=len(program.operations),
        best=best,
        best_peak=order.peak,
        best_is_exact=order.is_exact,
        best_order=tuple([program.operations[index].node for index in order.steps]),
    )


def _held(program: MicroProgram, step: int) -> tuple[Held, ...]:
    last = {operation.node: operation.output for operation in program.operations}
    made = {
        operation.output: (operation.node, "" if last[operation.node] == operation.output else operation.kind)
        for operation in program.operations
    }
    made |= {tensor: (place, "") for place, tensor in enumerate(program.inputs)}  # the inputs are the first nodes
    alive = [
        Held(made[tensor][0], aligned(buffer.size), made[tensor][1])
        for tensor, buffer in enumerate(program.buffers()[: len(program.sizes)])
        if buffer.first <= step <= buffer.last
    ]
    if step and program.operations[step - 1].scratch:
        running = program.operations[step - 1]
        alive += [Held(running.node, aligned(size), f"inside {running.kind}") for size in running.scratch]
    return tuple(sorted(alive, key=lambda held: -held.size))
