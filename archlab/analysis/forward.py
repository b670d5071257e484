"""The forward pass of a training step: values as they come and go, and what autograd keeps of each layer."""

from __future__ import annotations

from archlab.analysis.ledger import Storage
from archlab.analysis.step import Step
from archlab.graph import Node


class Forward:
    """One run over nodes, in order.

    Attributes:
        values: the storage of each value that a variable still holds, by node.
    """

    def __init__(self, step: Step, last_use: list[int], values: dict[int, Storage]) -> None:
        """Begin a run.

        Args:
            step: the step.
            last_use: for each node, after which one its variable is dropped.
            values: those that are there at the start.
        """
        self.values = values
        self._step = step
        self._last_use = last_use
        self._cached: list[Storage] = []

    def run(self, node: Node, *, keeps: bool = True, ends_early: bool = False) -> None:
        """Run a node.

        Args:
            node: which.
            keeps: whether autograd keeps what the backward pass needs.
            ends_early: whether the run ends as soon as that is kept, before anything is computed.
        """
        step, values = self._step, self.values
        training = step.facts[node.index].training
        keeps = keeps and step.needs_gradient[node.index]
        copies = self._copy_inputs(node)
        read = {number: copies.get(number, values[source]) for number, source in enumerate(node.inputs)}
        params = self._copy_params(node)
        if not ends_early:
            self._make_value(node)
            self._pass_other_precision(node)
        room, beside = step.room_bytes(node.index, training.kept), step.room_bytes(node.index, training.forward)
        if keeps:
            self._keep(node, read, params, room)
        if not ends_early:
            step.ledger.pass_by(beside if keeps else beside + room, node.index)
        for copy in copies.values():
            step.ledger.release(copy)
        if not ends_early:
            self._drop_variables(node)

    def leave(self) -> None:
        """Drop the variables that are left, and the copies of parameters that autocast has at hand."""
        for storage in self.values.values():
            self._step.ledger.release(storage)
        self.values.clear()
        self.clear_cache()

    def clear_cache(self) -> None:
        """Drop the copies of parameters, as at the end of autocast."""
        for storage in self._cached:
            self._step.ledger.release(storage)
        self._cached.clear()

    def _copy_inputs(self, node: Node) -> dict[int, Storage]:
        """Inputs in the precision and the order in which the node reads them, by number, where they have another."""
        step = self._step
        precision = step.precisions[node.index]
        reordered = node.index in step.orders.rooms
        if not (precision.copies_inputs or reordered):
            return {}
        copies: dict[int, Storage] = {}
        for number, source in enumerate(node.inputs):
            in_other = precision.copies_inputs and step.precisions[source].output != precision.compute
            if in_other or (reordered and number == 0):
                size = step.computed_bytes(node.index, step.facts[source].elements)
                copies[number] = step.ledger.take(size, "copy", node.index)
        return copies

    def _copy_params(self, node: Node) -> list[Storage]:
        """Parameters in lower precision, which are at hand until autocast ends."""
        step = self._step
        if not step.precisions[node.index].copies_params:
            return []
        size = step.precisions[node.index].compute
        made = [step.ledger.take(elements * size, "copy", node.index) for elements in step.facts[node.index].learnable]
        self._cached += made
        return made

    def _make_value(self, node: Node) -> None:
        values = self.values
        step = self._step
        is_new = node.layer.training_storage == "new" or node.index in step.orders.copies
        if not node.inputs or is_new:
            values[node.index] = step.take(node.index, "output" if node.inputs else "input")
        else:
            values[node.index] = values[node.inputs[0]]
            values[node.index].holders += 1

    def _pass_other_precision(self, node: Node) -> None:
        """The value as it is computed, where it is given in another precision."""
        step = self._step
        precision = step.precisions[node.index]
        if precision.compute != precision.output:
            step.ledger.pass_by(step.computed_bytes(node.index, step.facts[node.index].elements), node.index)

    def _keep(self, node: Node, read: dict[int, Storage], params: list[Storage], room: int) -> None:
        """What autograd holds until the node's backward pass."""
        step = self._step
        training = step.facts[node.index].training
        needed = [step.needs_gradient[i] for i in node.inputs]
        alone = len(node.inputs) == 1 or step.facts[node.index].params > 0
        kept = [
            read[number]
            for number in training.inputs
            if alone or any(needed[:number] + needed[number + 1 :])  # a factor is kept for the others' gradients
        ]
        kept += params[:1]  # the weight; no derivative needs a bias
        if training.output and node.index in self.values:
            kept.append(self.values[node.index])
        for storage in kept:
            storage.holders += 1
        if room:
            kept.append(step.ledger.take(room, "kept", node.index))
        for storage in kept:
            storage.keepers.append(node.index)
        step.kept[node.index] = kept

    def _drop_variables(self, node: Node) -> None:
        for source in {*node.inputs, node.index}:
            if self._last_use[source] <= node.index and source in self.values:
                self._step.ledger.release(self.values.pop(source))
