"""The forward pass of a training step: values as they come and go, and what autograd keeps of each operator."""

from __future__ import annotations

from archlab.analysis.memory.ledger import Storage
from archlab.analysis.memory.program import Call
from archlab.analysis.memory.step import Step


class Forward:
    """One run over calls, in order.

    Attributes:
        values: the storage of each value that still has a name, by call.
    """

    def __init__(self, step: Step, values: dict[int, Storage]) -> None:
        """Begin a run.

        Args:
            step: the step.
            values: those that are there at the start.
        """
        self.values = values
        self._step = step
        self._copies: dict[int, Storage] = {}
        self._cached: list[Storage] = []
        self._copied: dict[tuple[str, tuple[int, ...]] | None, list[Storage]] = {}
        """Of those, the ones of modules that several nodes call."""

    def run(self, call: Call, *, keeps: bool = True, ends_early: bool = False) -> None:
        """Run a call.

        Args:
            call: which.
            keeps: whether autograd keeps what the backward pass needs.
            ends_early: whether the run ends as soon as that is kept, before anything is computed.
        """
        step = self._step
        training = call.operator.training
        keeps = keeps and call.needs_gradient
        params: list[Storage] = []
        if not step.is_uniform:
            self._copy_inputs(call)
            params = self._copy_params(call)
        read = self._read(call) if keeps else []
        if not ends_early:
            self._make_value(call)
        room, beside = step.room_bytes(call, training.kept), step.room_bytes(call, training.forward)
        if keeps:
            self._keep(call, read, params, room)
        if not ends_early:
            step.ledger.pass_by(beside if keeps or training.kept_only else beside + room, call.node)
        if self._copies and (call.is_last or ends_early):
            self._release_copies()
        if not ends_early and call.drops:
            self._drop_variables(call)

    def _read(self, call: Call) -> list[Storage]:
        """What it reads: the copies in its precision, where there are any."""
        values, copies = self.values, self._copies
        if not copies:
            return [values[source] for source in call.inputs]
        return [copies.get(source, values[source]) for source in call.inputs]

    def leave(self) -> None:
        """Drop the variables that are left, and the copies of parameters that autocast has at hand."""
        for storage in self.values.values():
            self._step.ledger.release(storage)
        self.values.clear()
        self._release_copies()
        self.clear_cache()

    def clear_cache(self) -> None:
        """Drop the copies of parameters, as at the end of autocast."""
        for storage in self._cached:
            self._step.ledger.release(storage)
        self._cached.clear()
        self._copied.clear()

    def _copy_inputs(self, call: Call) -> None:
        """The layer's inputs in the precision in which it reads them, where they have another, until it is done."""
        step = self._step
        if not step.precisions[call.node].copies_inputs or call.is_view or call.operator.computes != "layer":
            return
        if call.holding == "cast":  # it is the copy
            return
        for source in call.inputs:
            origin = step.program.calls[source]
            if step.size_of(origin) != step.compute_of(call) and source not in self._copies:
                size = step.computed_bytes(call, origin.elements)
                self._copies[source] = step.ledger.take(size, "copy", call.node)

    def _release_copies(self) -> None:
        for copy in self._copies.values():
            self._step.ledger.release(copy)
        self._copies.clear()

    def _copy_params(self, call: Call) -> list[Storage]:
        """Parameters in lower precision, which are at hand until autocast ends."""
        step = self._step
        if not step.precisions[call.node].copies_params or call.operator.computes == "params":
            return []
        module = step.modules.get(call.node)
        key = None if module is None or not call.operator.learns else (module, call.operator.learns)
        if key in self._copied:
            return self._copied[key]
        size = step.precisions[call.node].compute
        made = [step.ledger.take(elements * size, "copy", call.node) for elements in call.operator.learns]
        self._cached += made
        if key is not None:
            self._copied[key] = made
        return made

    def _make_value(self, call: Call) -> None:
        values, step = self.values, self._step
        if call.holding == "new" or (call.holding == "cast" and step.changes_precision(call)):
            values[call.index] = step.take(call, "output" if step.program.graph.nodes[call.node].inputs else "input")
            if call.is_last and not step.is_uniform:
                self._pass_other_precision(call)
        else:
            shared = values[call.index] = values[call.inputs[0]]
            shared.holders += 1

    def _pass_other_precision(self, call: Call) -> None:
        """The value as it is computed, where it is given in another precision."""
        if self._step.compute_of(call) != self._step.size_of(call):
            self._step.ledger.pass_by(self._step.computed_bytes(call, call.elements), call.node)

    def _keep(self, call: Call, read: list[Storage], params: list[Storage], room: int) -> None:
        """What autograd holds until the call's backward pass."""
        step, training = self._step, call.operator.training
        calls = step.program.calls
        kept: list[Storage] = []
        if training.inputs or params:
            needed = [calls[source].needs_gradient for source in call.inputs]
            kept = [read[number] for number in training.inputs if call.keeps(number, needed)]
            if call.operator.owns_weight and (needed[:1] == [True] or not call.operator.weight_for_input):
                kept += params[:1]  # the weight; no derivative needs a bias
        if training.output and call.index in self.values:
            kept.append(self.values[call.index])
        for storage in kept:
            storage.holders += 1
        if room:
            kept.append(step.ledger.take(room, "kept", call.node))
        for storage in kept:
            storage.keepers.append(call.node)
        if kept:
            step.kept[call.index] = kept

    def _drop_variables(self, call: Call) -> None:
        values = self.values
        for index in call.drops:
            if index in values:
                self._step.ledger.release(values.pop(index))
