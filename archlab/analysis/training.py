"""Memory of a training step, storage by storage, in the order in which PyTorch takes and frees them.

The forward pass runs the nodes in file order; a variable is dropped after its last use, and autograd keeps what
each layer's derivative needs (`layers.room.Training`). Then a loss hands a gradient to each result and takes
nothing else. The backward pass runs the layers in reverse: each takes its inputs' gradients and its parameters',
then frees what was kept of it and its output's gradient; a value that several layers read adds their gradients
up. Last, the optimizer's step.

The backward order is that of PyTorch's engine, which takes the function made last among those that are ready.
Gradients are added in place where nothing else holds them (torch/csrc/autograd/input_buffer.cpp).
"""

from __future__ import annotations

from dataclasses import dataclass

from archlab.analysis.facts import DTYPE_BYTES, Facts
from archlab.analysis.ledger import Kind, Ledger, Storage, Timeline
from archlab.analysis.lifetimes import last_uses
from archlab.analysis.optimizer import DEFAULT_OPTIMIZER, OPTIMIZERS
from archlab.graph import Graph, Node
from archlab.layers.room import NOTHING, Room, Training


@dataclass(slots=True)
class Settings:
    """How a network is trained.

    Attributes:
        batch: number of samples.
        dtype: of parameters and activations.
        optimizer: a name in `OPTIMIZERS`.
        foreach: whether the optimizer takes all parameters together.
        adds_in_place: whether gradients are added in place where nothing else holds them. They are not while
            a dispatch mode watches, as every tool does that counts storages.
    """

    batch: int = 1
    dtype: str = "float32"
    optimizer: str = DEFAULT_OPTIMIZER
    foreach: bool = True
    adds_in_place: bool = True


@dataclass(slots=True)
class Gradient:
    """The gradient of a value, so far."""

    storage: Storage
    is_part: bool = False
    """Whether it is a part of a larger one, with gaps between its samples."""


def training_memory(graph: Graph, facts: list[Facts], settings: Settings) -> Timeline:
    """The timeline of one step: forward, backward, optimizer.

    Args:
        graph: the network.
        facts: of its nodes.
        settings: how it is trained. The optimizer's state is there from the start, as after a first step.
    """
    return _Step(graph, facts, settings).run()


class _Step:
    """One training step."""

    def __init__(self, graph: Graph, facts: list[Facts], settings: Settings) -> None:
        self._graph = graph
        self._facts = facts
        self._settings = settings
        self._size = DTYPE_BYTES[settings.dtype]
        self._optimizer = OPTIMIZERS[settings.optimizer]
        self._sizes = [elements * self._size for fact in facts for elements in fact.learnable]
        buffers = sum([(f.buffers - f.fixed_buffers) * self._size + f.fixed_buffer_bytes for f in facts])
        state = self._optimizer.state_bytes(self._sizes)
        self._ledger = Ledger(sum(self._sizes) + buffers + state)
        self._last_use = last_uses(graph)
        self._values: dict[int, Storage] = {}
        self._kept: dict[int, list[Storage]] = {}
        self._gradients: dict[int, Gradient] = {}
        self._needs_gradient: list[bool] = []

    def run(self) -> Timeline:
        """The whole step."""
        for node in self._graph.nodes:
            self._forward(node)
        for _, index in self._graph.outputs:
            self._add(index, Gradient(self._take(index, "gradient")))
        for node in reversed(self._graph.nodes):
            if self._needs_gradient[node.index]:
                self._backward(node)
        temporaries = self._optimizer.step_bytes(self._sizes, foreach=self._settings.foreach)
        self._ledger.pass_by(temporaries, -1)
        self._ledger.close("step", -1)
        return self._ledger.timeline()

    def _bytes(self, index: int) -> int:
        return self._facts[index].elements * self._size * self._settings.batch

    def _room(self, room: Room) -> int:
        return 0 if room is NOTHING else room.bytes(self._size, self._settings.batch)

    def _take(self, index: int, kind: Kind) -> Storage:
        return self._ledger.take(self._bytes(index), kind, index)

    # -- forward ----------------------------------------------------------------------------------------------

    def _forward(self, node: Node) -> None:
        values = self._values
        if not node.inputs:
            values[node.index] = self._take(node.index, "input")
            self._needs_gradient.append(False)
            self._ledger.close("forward", node.index)
            return
        facts = self._facts[node.index]
        training = facts.training
        needed = [self._needs_gradient[i] for i in node.inputs]
        needs = facts.params > 0 or any(needed)
        self._needs_gradient.append(needs)
        if node.layer.training_storage == "new":
            values[node.index] = self._take(node.index, "output")
        else:
            values[node.index] = values[node.inputs[0]]
            values[node.index].holders += 1
        room, beside = self._room(training.kept), self._room(training.forward)
        if needs:
            self._keep(node, training, needed, room)
        self._ledger.pass_by(beside if needs else beside + room, node.index)
        self._drop_variables(node)
        self._ledger.close("forward", node.index)

    def _keep(self, node: Node, training: Training, needed: list[bool], room: int) -> None:
        """What autograd holds until the node's backward pass."""
        alone = len(node.inputs) == 1 or self._facts[node.index].params > 0
        kept = [
            self._values[node.inputs[number]]
            for number in training.inputs
            if alone or any(needed[:number] + needed[number + 1 :])  # a factor is kept for the others' gradients
        ]
        if training.output:
            kept.append(self._values[node.index])
        for storage in kept:
            storage.holders += 1
        if room:
            kept.append(self._ledger.take(room, "kept", node.index))
        for storage in kept:
            storage.keepers.append(node.index)
        self._kept[node.index] = kept

    def _drop_variables(self, node: Node) -> None:
        for source in {*node.inputs, node.index}:
            if self._last_use[source] <= node.index:
                self._ledger.release(self._values[source])

    # -- backward ---------------------------------------------------------------------------------------------

    def _backward(self, node: Node) -> None:
        own = self._gradients.pop(node.index)
        facts = self._facts[node.index]
        training = facts.training
        sources = list(node.inputs)
        made: list[tuple[int, Gradient]] = []
        while node.layer.pairwise and len(sources) > 2:
            made += self._input_gradients(training, own, [sources.pop()])
            self._ledger.release(own.storage)
            own = Gradient(self._take(node.index, "gradient"))
            if len(sources) == 2:
                self._ledger.release(self._kept[node.index].pop())  # the products of the others
        made += self._input_gradients(training, own, sources)
        params = facts.params * self._size
        if params:
            self._ledger.take(params, "parameter gradient", node.index)
        self._ledger.pass_by(self._room(training.backward), node.index)
        for storage in self._kept.pop(node.index, ()):
            self._ledger.release(storage)
        self._ledger.release(own.storage)
        for source, gradient in made:
            self._add(source, gradient)
        self._ledger.close("backward", node.index)

    def _input_gradients(self, training: Training, own: Gradient, sources: list[int]) -> list[tuple[int, Gradient]]:
        wanted = [source for source in sources if self._needs_gradient[source]]
        return [(source, self._input_gradient(training, own, source)) for source in wanted]

    def _input_gradient(self, training: Training, own: Gradient, source: int) -> Gradient:
        if training.gradient == "new":
            return Gradient(self._take(source, "gradient"))
        own.storage.holders += 1
        is_part = own.is_part or (training.gradient == "view" and self._settings.batch > 1)
        return Gradient(own.storage, is_part)

    def _add(self, index: int, gradient: Gradient) -> None:
        """One more reader's gradient of a value."""
        before = self._gradients.get(index)
        if before is None:
            self._gradients[index] = gradient
            return
        alone = before.storage.holders == 1 and not before.is_part
        if not (self._settings.adds_in_place and alone):
            self._gradients[index] = Gradient(self._take(index, "gradient"))
            self._ledger.release(before.storage)
        self._ledger.release(gradient.storage)
