"""Memory of a training step, storage by storage, in the order in which PyTorch takes and frees them.

The forward pass runs the nodes in file order; a variable is dropped after its last use, and autograd keeps what
each layer's derivative needs (`layers.room.Training`). Then a loss hands a gradient to each result and takes
nothing else. The backward pass follows, and last the optimizer's step.

A checkpointed segment keeps its inputs only. When the backward pass reaches it, its layers run again, up to the last
value that is needed (torch.utils.checkpoint, not reentrant).
"""

from __future__ import annotations

from dataclasses import dataclass

from archlab.analysis.conditions import Conditions
from archlab.analysis.facts import DTYPE_BYTES, Facts
from archlab.analysis.memory.backward import Backward
from archlab.analysis.memory.forward import Forward
from archlab.analysis.memory.ledger import Ledger, Storage, Timeline
from archlab.analysis.memory.precision import precisions
from archlab.analysis.memory.program import Call, Program, training_program
from archlab.analysis.memory.step import Step
from archlab.analysis.optimizer import OPTIMIZERS
from archlab.graph import Graph
from archlab.graph.segments import Segment, find_segments


@dataclass(slots=True, eq=False)
class _Checkpoint:
    """A segment between its forward and its backward pass."""

    segment: Segment
    inputs: dict[int, Storage]
    """By call."""
    first: int
    """The first of its calls that keeps anything: behind its backward pass nothing needs the segment any more."""
    last: int
    """The last of them: no further need it run again."""


def training_memory(
    graph: Graph, facts: list[Facts], conditions: Conditions, written: Program | None = None
) -> Timeline:
    """The timeline of one step: forward, backward, optimizer.

    Args:
        graph: the network.
        facts: of its nodes.
        conditions: how it is trained. The optimizer's state is there from the start, as after a first step.
        written: its calls, where they are at hand.
    """
    return _TrainingStep(graph, facts, conditions, written or training_program(graph, facts, conditions)).run()


class _TrainingStep:
    """One training step."""

    def __init__(self, graph: Graph, facts: list[Facts], conditions: Conditions, written: Program) -> None:
        size = DTYPE_BYTES[conditions.dtype]
        self._conditions = conditions
        self._segments = find_segments(graph, conditions.checkpoint)
        self._optimizer = OPTIMIZERS[conditions.optimizer]
        self._sizes = [elements * size for fact in facts for elements in fact.learnable]
        buffers = sum([(f.buffers - f.fixed_buffers) * size + f.fixed_buffer_bytes for f in facts])
        ledger = Ledger(sum(self._sizes) + buffers + self._optimizer.state_bytes(self._sizes))
        precision = precisions(graph, conditions.dtype, conditions.autocast)
        self._program = written
        self._step = Step(self._program, facts, precision, size, ledger, conditions.channels_last)
        self._checkpoints: dict[int, _Checkpoint] = {}
        """By call: of the segment that it is in."""

    def run(self) -> Timeline:
        """The whole step."""
        ledger = self._step.ledger
        self._forward()
        self._backward()
        ledger.pass_by(self._optimizer.step_bytes(self._sizes, foreach=self._conditions.foreach), -1)
        ledger.close("step", -1)
        return ledger.timeline()

    def _forward(self) -> None:
        forward = Forward(self._step, {})
        starts = {self._program.starts[segment.start]: segment for segment in self._segments}
        stops = {self._program.starts[segment.stop] - 1 for segment in self._segments}
        held: list[Storage] = []
        for call in self._program.calls:
            if starts and call.index in starts:
                held = self._enter(starts[call.index], forward)
            forward.run(call, keeps=call.index not in self._checkpoints)
            if call.index in stops:
                for storage in held:
                    self._step.ledger.release(storage)
                held = []
            if call.is_last:
                self._step.ledger.close("forward", call.node)
        forward.clear_cache()

    def _enter(self, segment: Segment, forward: Forward) -> list[Storage]:
        """Keep a segment's inputs: until it runs again, or where none of its calls keeps anything until it has run.

        Those of the second kind are returned.
        """
        calls, starts = self._program.calls, self._program.starts
        inside = range(starts[segment.start], starts[segment.stop])
        keeping = [index for index in inside if self._keeps_anything(calls[index])]
        inputs = {self._program.results[node]: forward.values[self._program.results[node]] for node in segment.inputs}
        for storage in inputs.values():
            storage.holders += 1
        if not keeping:
            return list(inputs.values())
        for storage in inputs.values():
            storage.segments.append(segment)
        checkpoint = _Checkpoint(segment, inputs, keeping[0], keeping[-1])
        self._step.recomputed.update(inside)
        self._checkpoints |= dict.fromkeys(inside, checkpoint)
        return []

    def _keeps_anything(self, call: Call) -> bool:
        """Whether autograd keeps a tensor of it, be it a parameter."""
        training, calls = call.training, self._program.calls
        if not call.needs_gradient:
            return False
        if call.operator.learns or training.output or any(training.kept):
            return True
        needed = [calls[source].needs_gradient for source in call.inputs]
        return any(call.keeps(number, needed) for number in training.inputs)

    def _backward(self) -> None:
        step = self._step
        backward = Backward(step, adds_in_place=self._conditions.adds_in_place)
        backward.start()
        for call in reversed(self._program.calls):
            if backward.has_gradient(call):
                self._run_back(call, backward)
            backward.end(call)
            is_first = call.index == self._program.starts[call.node]
            if is_first and self._program.calls[self._program.results[call.node]].needs_gradient:
                step.ledger.close("backward", call.node)

    def _run_back(self, call: Call, backward: Backward) -> None:
        """A call's backward pass, behind a second run of the segment that it is the last of."""
        checkpoint = self._checkpoints.get(call.index)
        if checkpoint is not None and call.index == checkpoint.last:
            self._run_again(checkpoint)
        is_first = checkpoint is not None and call.index == checkpoint.first
        backward.run(call, held=tuple(checkpoint.inputs.values()) if checkpoint is not None and is_first else ())

    def _run_again(self, checkpoint: _Checkpoint) -> None:
        """A segment's calls once more, this time with autograd keeping what it needs."""
        for storage in checkpoint.inputs.values():
            storage.holders += 1
        forward = Forward(self._step, dict(checkpoint.inputs))
        calls = self._program.calls
        for index in range(self._program.starts[checkpoint.segment.start], checkpoint.last + 1):
            call = calls[index]
            ends_early = index == checkpoint.last and _is_kept_first(call)
            forward.run(call, ends_early=ends_early)
            if call.is_last and not ends_early:
                self._step.ledger.close("recompute", call.node)
        forward.leave()


def _is_kept_first(call: Call) -> bool:
    """Whether what autograd keeps of a call is there before its value is."""
    training = call.training
    return training.kept_first or not (training.output or any(training.kept))
