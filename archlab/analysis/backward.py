"""The backward pass of a training step: gradients as they come and go.

The layers run in reverse, which is the order of PyTorch's engine: of the functions that are ready it takes the one
made last. Each takes its inputs' gradients and its parameters', then frees what was kept of it and its output's
gradient. A value that several layers read adds their gradients up, in place where nothing else holds them
(torch/csrc/autograd/input_buffer.cpp).
"""

from __future__ import annotations

from dataclasses import dataclass

from archlab.analysis.ledger import Storage
from archlab.analysis.step import Step
from archlab.graph import Node
from archlab.layers.room import Training


@dataclass(slots=True)
class Gradient:
    """The gradient of a value, so far."""

    storage: Storage
    is_part: bool = False
    """Whether it is a part of a larger one, with gaps between its samples."""


class Backward:
    """One run over the nodes in reverse."""

    def __init__(self, step: Step, *, adds_in_place: bool) -> None:
        self._step = step
        self._adds_in_place = adds_in_place
        self._gradients: dict[int, Gradient] = {}

    def start(self) -> None:
        """The loss hands a gradient to each result."""
        for _, index in self._step.graph.outputs:
            self._add(index, Gradient(self._step.take(index, "gradient")))

    def run(self, node: Node) -> None:
        """A node's backward pass."""
        step = self._step
        own = self._own(node)
        training = step.facts[node.index].training
        sources = list(node.inputs)
        made: list[tuple[int, Gradient]] = []
        while node.layer.pairwise and len(sources) > 2:
            made += self._input_gradients(node, training, own, [sources.pop()])
            step.ledger.release(own.storage)
            own = Gradient(step.take(node.index, "gradient"))
            if len(sources) == 2:
                step.ledger.release(step.kept[node.index].pop())  # the products of the others
        made += self._input_gradients(node, training, own, sources)
        learnable = step.facts[node.index].learnable
        summed = learnable[1:] if node.layer.sums_bias and node.index in step.recomputed else ()
        params = self._param_gradients(node, learnable[: len(learnable) - len(summed)])
        step.ledger.pass_by(step.room_bytes(node.index, training.backward), node.index)
        for storage in step.kept.pop(node.index, ()):
            step.ledger.release(storage)
        params += self._param_gradients(node, summed)
        step.ledger.release(own.storage)
        for source, gradient in made:
            self._add(source, self._in_precision_of(source, gradient, node))
        self._copy_back(node, params)

    def _own(self, node: Node) -> Gradient:
        """The gradient of the node's value, in the precision in which it computes."""
        step = self._step
        own = self._gradients.pop(node.index)
        if step.precisions[node.index].compute == step.precisions[node.index].output:
            return own
        size = step.computed_bytes(node.index, step.facts[node.index].elements)
        wider = Gradient(step.ledger.take(size, "gradient", node.index))
        step.ledger.release(own.storage)
        return wider

    def _param_gradients(self, node: Node, learnable: tuple[int, ...]) -> list[Storage]:
        """The gradients of parameters of so many elements; those that are to be copied are returned."""
        step = self._step
        copied = step.precisions[node.index].copies_params
        if not copied and not self._reorders(node):
            if learnable:
                step.ledger.take(sum(learnable) * step.params_size, "parameter gradient", node.index)
            return []
        size = step.precisions[node.index].compute if copied else step.params_size
        return [step.ledger.take(elements * size, "parameter gradient", node.index) for elements in learnable]

    def _copy_back(self, node: Node, gradients: list[Storage]) -> None:
        """The parameters' gradients in the parameters' own precision, and the weight's then in its own order."""
        ledger = self._step.ledger
        copied = self._step.precisions[node.index].copies_params
        for number, elements in enumerate(self._step.facts[node.index].learnable[: len(gradients)]):
            for needed in (copied, number == 0 and self._reorders(node)):
                if needed:
                    before = gradients[number]
                    size = elements * self._step.params_size
                    gradients[number] = ledger.take(size, "parameter gradient", node.index)
                    ledger.release(before)

    def _reorders(self, node: Node) -> bool:
        """Whether the weight's gradient lies in another order than the weight."""
        step = self._step
        if not step.facts[node.index].has_order:
            return False
        turned = step.orders.swapped[node.inputs[0]] or step.channels_last
        return (node.layer.gradient_order == "input" and turned) != step.channels_last

    def _in_precision_of(self, source: int, gradient: Gradient, node: Node) -> Gradient:
        """A gradient in the precision of the value that it is of."""
        step = self._step
        if step.precisions[source].output == step.precisions[node.index].compute:
            return gradient
        copied = Gradient(step.take(source, "gradient"))
        step.ledger.release(gradient.storage)
        return copied

    def _input_gradients(
        self, node: Node, training: Training, own: Gradient, sources: list[int]
    ) -> list[tuple[int, Gradient]]:
        wanted = [source for source in sources if self._step.needs_gradient[source]]
        return [(source, self._input_gradient(node, training, own, source)) for source in wanted]

    def _input_gradient(self, node: Node, training: Training, own: Gradient, source: int) -> Gradient:
        if training.gradient == "new":
            step = self._step
            size = step.computed_bytes(node.index, step.facts[source].elements)
            return Gradient(step.ledger.take(size, "gradient", source))
        own.storage.holders += 1
        is_part = own.is_part or (training.gradient == "view" and self._step.batch > 1)
        return Gradient(own.storage, is_part)

    def _add(self, index: int, gradient: Gradient) -> None:
        """One more reader's gradient of a value."""
        before = self._gradients.get(index)
        if before is None:
            self._gradients[index] = gradient
            return
        alone = before.storage.holders == 1 and not before.is_part
        if not (self._adds_in_place and alone):
            self._gradients[index] = Gradient(self._step.take(index, "gradient"))
            self._step.ledger.release(before.storage)
        self._step.ledger.release(gradient.storage)
