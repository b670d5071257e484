"""Memory of a training step, storage by storage, in the order in which PyTorch takes and frees them.

The forward pass runs the nodes in file order; a variable is dropped after its last use, and autograd keeps what
each layer's derivative needs (`layers.room.Training`). Then a loss hands a gradient to each result and takes
nothing else. The backward pass follows, and last the optimizer's step.

A checkpointed segment keeps its inputs only. When the backward pass reaches it, its layers run again, up to the last
value that is needed (torch.utils.checkpoint, not reentrant).
"""

from __future__ import annotations

from dataclasses import dataclass

from archlab.analysis.backward import Backward
from archlab.analysis.facts import DTYPE_BYTES, Facts
from archlab.analysis.forward import Forward
from archlab.analysis.ledger import Ledger, Storage, Timeline
from archlab.analysis.lifetimes import last_uses
from archlab.analysis.optimizer import OPTIMIZERS
from archlab.analysis.order import Orders
from archlab.analysis.precision import precisions
from archlab.analysis.settings import Settings
from archlab.analysis.step import Step
from archlab.graph import Graph, Node
from archlab.segments import Segment


@dataclass(slots=True)
class _Checkpoint:
    """A segment between its forward and its backward pass."""

    segment: Segment
    inputs: dict[int, Storage]
    first: int
    """The first of its nodes that keeps anything: behind its backward pass nothing needs the segment any more."""
    last: int
    """The last of them: no further need it run again."""


def training_memory(graph: Graph, facts: list[Facts], settings: Settings) -> Timeline:
    """The timeline of one step: forward, backward, optimizer.

    Args:
        graph: the network.
        facts: of its nodes.
        settings: how it is trained. The optimizer's state is there from the start, as after a first step.
    """
    return _TrainingStep(graph, facts, settings).run()


class _TrainingStep:
    """One training step."""

    def __init__(self, graph: Graph, facts: list[Facts], settings: Settings) -> None:
        size = DTYPE_BYTES[settings.dtype]
        self._settings = settings
        self._optimizer = OPTIMIZERS[settings.optimizer]
        self._sizes = [elements * size for fact in facts for elements in fact.learnable]
        buffers = sum([(f.buffers - f.fixed_buffers) * size + f.fixed_buffer_bytes for f in facts])
        ledger = Ledger(sum(self._sizes) + buffers + self._optimizer.state_bytes(self._sizes))
        precision = precisions(graph, settings.dtype, settings.autocast)
        orders = Orders(graph, channels_last=settings.channels_last)
        self._step = Step(graph, facts, precision, size, settings.batch, ledger, orders, settings.channels_last)
        self._last_use = last_uses(graph)
        self._checkpoints: dict[int, _Checkpoint] = {}
        """By node: of the segment that it is in."""

    def run(self) -> Timeline:
        """The whole step."""
        ledger = self._step.ledger
        self._forward()
        self._backward()
        ledger.pass_by(self._optimizer.step_bytes(self._sizes, foreach=self._settings.foreach), -1)
        ledger.close("step", -1)
        return ledger.timeline()

    def _forward(self) -> None:
        forward = Forward(self._step, self._last_use, {})
        starts = {segment.start: segment for segment in self._settings.segments}
        for node in self._step.graph.nodes:
            if node.index in starts:
                self._enter(starts[node.index], forward)
            forward.run(node, keeps=node.index not in self._checkpoints)
            self._step.ledger.close("forward", node.index)
        forward.clear_cache()

    def _enter(self, segment: Segment, forward: Forward) -> None:
        """Keep a segment's inputs, if any of its nodes has something to keep."""
        keeping = [i for i in range(segment.start, segment.stop) if self._keeps_anything(self._step.graph.nodes[i])]
        if not keeping:
            return
        inputs = {index: forward.values[index] for index in segment.inputs}
        for storage in inputs.values():
            storage.holders += 1
            storage.segments.append(segment)
        checkpoint = _Checkpoint(segment, inputs, keeping[0], keeping[-1])
        self._step.recomputed.update(range(segment.start, segment.stop))
        self._checkpoints |= dict.fromkeys(range(segment.start, segment.stop), checkpoint)

    def _keeps_anything(self, node: Node) -> bool:
        """Whether autograd keeps a tensor of it, be it a parameter."""
        facts = self._step.facts[node.index]
        training = facts.training
        if not self._step.needs_gradient[node.index]:
            return False
        if facts.params or training.output or any(training.kept):
            return True
        needed = [self._step.needs_gradient[i] for i in node.inputs]
        return (len(node.inputs) == 1 and bool(training.inputs)) or (len(training.inputs) > 1 and any(needed))

    def _backward(self) -> None:
        step = self._step
        backward = Backward(step, adds_in_place=self._settings.adds_in_place)
        backward.start()
        for node in reversed(step.graph.nodes):
            if not step.needs_gradient[node.index]:
                continue
            checkpoint = self._checkpoints.get(node.index)
            if checkpoint is not None and node.index == checkpoint.last:
                self._run_again(checkpoint)
            backward.run(node)
            if checkpoint is not None and node.index == checkpoint.first:
                for storage in checkpoint.inputs.values():
                    step.ledger.release(storage)
            step.ledger.close("backward", node.index)

    def _run_again(self, checkpoint: _Checkpoint) -> None:
        """A segment's layers once more, this time with autograd keeping what it needs."""
        for storage in checkpoint.inputs.values():
            storage.holders += 1
        forward = Forward(self._step, self._last_use, dict(checkpoint.inputs))
        nodes = self._step.graph.nodes
        for index in range(checkpoint.segment.start, checkpoint.last + 1):
            ends_early = index == checkpoint.last and self._is_kept_first(nodes[index])
            forward.run(nodes[index], ends_early=ends_early)
            if not ends_early:
                self._step.ledger.close("recompute", index)
        forward.leave()

    def _is_kept_first(self, node: Node) -> bool:
        """Whether what autograd keeps of a node is there before its value is."""
        training = self._step.facts[node.index].training
        return training.kept_first or not (training.output or any(training.kept))
