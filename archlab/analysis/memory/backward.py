"""The backward pass of a training step: gradients as they come and go.

The operators run in reverse, which is the order of PyTorch's engine: of the functions that are ready it takes the one
made last. Each takes its inputs' gradients and its parameters', then frees what was kept of it and its output's
gradient. A value that several layers read adds their gradients up, in place where nothing else holds them
(torch/csrc/autograd/input_buffer.cpp).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archlab.analysis.memory.ledger import Storage
from archlab.analysis.memory.program import Call
from archlab.analysis.memory.shared import SharedParameters
from archlab.analysis.memory.step import Step
from archlab.layers.operators import Operator
from archlab.layers.room import NOTHING
from archlab.layers.strides import Value, channels_last, contiguous, convolved, in_format_of, iterated, viewed


class Gradient(NamedTuple):
    """The gradient of a value, so far."""

    storage: Storage
    value: Value
    """How it lies in memory."""

    @property
    def is_part(self) -> bool:
        """Whether it is a part of a larger one, with gaps between its samples."""
        return not self.value.is_dense


class Backward:
    """One run over the calls in reverse."""

    def __init__(self, step: Step, *, adds_in_place: bool) -> None:
        self._step = step
        self._calls = step.program.calls
        self._adds_in_place = adds_in_place
        self._gradients: dict[int, Gradient] = {}
        self._parts: dict[int, list[Storage]] = {}
        """Further gradients of what is read in parts, by call."""
        self._uncast: list[tuple[Call, list[Storage | None]]] = []
        """Gradients of parameters that wait for their own precision, by the calls that have made them."""
        self._named = _named(self._calls)
        self._summed = SharedParameters(step.program, step.modules)
        self._known: dict[tuple[int, int, int, int], tuple[Value, Value]] = {}
        """How gradients lie that are new, by operator, number, and the identity of how others lie."""

    def start(self) -> None:
        """The loss hands a gradient to each result."""
        wanted = [call for index in self._step.program.outputs() if (call := self._calls[index]).needs_gradient]
        handed = [Gradient(self._step.take(call, "gradient"), contiguous(call.value.sizes)) for call in wanted]
        added: list[Storage] = []
        self._add_to_others([(call.index, gradient) for call, gradient in zip(wanted, handed, strict=True)], added)
        self._release_all(added)

    def has_gradient(self, call: Call) -> bool:
        """Whether there is a gradient of a call's value: not of a view that was overwritten."""
        return call.index in self._gradients

    def run(self, call: Call, held: Sequence[Storage] = ()) -> None:
        """A call's backward pass: gradients appear, whole maps are summed up, what was kept is freed.

        Args:
            call: which.
            held: the inputs of a checkpointed segment that no call needs any more when this one is done.
        """
        operator = call.operator
        own = self._own(call)
        if operator.sums or operator.rooms or operator.unwanted != "not made" or _is_reduced(operator):
            self._run_by_sums(call, own, held)
            return
        ledger = self._step.ledger
        made = [
            (source, self._input_gradient(call, own, number))
            for number, source in enumerate(call.inputs)
            if self._calls[source].needs_gradient
        ]
        stays = operator.learned != "new" and self._is_plain(call, own)
        params = self._first_param_gradients(call, own, stays=stays)
        room = operator.training.backward
        if room is not NOTHING:
            ledger.pass_by(self._step.room_bytes(call, room), call.node)
        late = operator.sums_bias and call.index in self._step.recomputed
        if late:
            self._free_kept(call)
        if operator.sums_bias:
            params += self._param_gradients(call, operator.learns[1:])
        at_once = self._is_cast_at_once(call)
        if at_once:
            made = self._cast(made, call)
        if not late:
            self._free_kept(call)
        for storage in (*held, own.storage):
            ledger.release(storage)
        self._finish(call, made, params)
        if stays:
            self._copy_if_held(call, own.storage)

    def _first_param_gradients(self, call: Call, own: Gradient, *, stays: bool) -> list[Storage]:
        """Those that are no sums of a map; where one is its value's gradient, that stays."""
        if stays:
            own.storage.holders += 1
            return []
        if call.operator.learned != "new" and (call.index in self._summed or self._reorders(call)):
            own.storage.holders += 1
            return [own.storage]
        return self._param_gradients(call, self._made_at_once(call)) if call.operator.learns else []

    def _copy_if_held(self, call: Call, gradient: Storage) -> None:
        """A parameter's gradient is its value's, unless something else holds that."""
        if call.operator.learned == "handed on" and gradient.holders > 1:
            self._param_gradients(call, call.operator.learns)
            self._step.ledger.release(gradient)

    def _run_by_sums(self, call: Call, own: Gradient, segment_inputs: Sequence[Storage]) -> None:
        """The same where a gradient is a whole map, summed up, or where gradients are made that nobody wants."""
        step = self._step
        late = call.index in step.recomputed
        wanted = [number for number, source in enumerate(call.inputs) if self._calls[source].needs_gradient]
        summed = [number for number in wanted if call.operator.gradient(number) == "reduced"]
        made, maps = self._made_in_turn(call, own, wanted, summed)
        held = self._take_unwanted(call)
        maps += [
            step.ledger.take(step.computed_bytes(call, call.elements), "scratch", call.node)
            for _ in summed[len(maps) :]
        ]
        weight = step.ledger.take(step.computed_bytes(call, call.operator.sums), "scratch", call.node)
        params = self._param_gradients(call, self._made_at_once(call))
        if held is None:
            step.ledger.pass_by(step.room_bytes(call, call.training.backward), call.node)
        if late:
            self._free_kept(call)
        # what is learned is written first, and its gradient summed up before those of values are cast
        params += self._summed_up(call, weight)
        at_once, by_number = self._is_cast_at_once(call), dict(zip(summed, maps, strict=True))
        for number in wanted:
            if number in by_number:
                made[number] = self._reduced(call, own, number, by_number[number])
            if at_once:
                made[number] = self._in_precision_of(call.inputs[number], made[number], call)
        values = [(call.inputs[number], made[number]) for number in wanted]
        if not late:
            self._free_kept(call)
        for storage in (*segment_inputs, own.storage):
            step.ledger.release(storage)
        self._finish(call, values, params, held)

    def _reduced(self, call: Call, own: Gradient, number: int, whole: Storage) -> Gradient:
        """The gradient of an input that is a map summed up; where a parameter is more precise, cast then."""
        step, origin = self._step, self._calls[call.inputs[number]]
        is_lower = origin.operator.computes == "params" and step.compute_of(call) < step.size_of(origin)
        if not is_lower or self._reads_copies(call):
            made = self._input_gradient(call, own, number)
            step.ledger.release(whole)
            return made
        before = step.ledger.take(step.computed_bytes(call, origin.elements), "scratch", call.node)
        step.ledger.release(whole)
        made = self._input_gradient(call, own, number)
        step.ledger.release(before)
        return made

    def _summed_up(self, call: Call, weight: Storage) -> list[Storage]:
        """The gradients of parameters that are sums of a map, which goes; of single factors they are cast then."""
        step, learns = self._step, call.operator.learns[len(self._made_at_once(call)) :]
        lower = step.compute_of(call)
        if not call.operator.sums or self._copies_params(call) or lower >= step.params_size:
            params = self._param_gradients(call, learns)
            step.ledger.release(weight)
            return params
        before = step.ledger.take(sum(learns) * lower, "parameter gradient", call.node)
        step.ledger.release(weight)
        params = self._param_gradients(call, learns)
        step.ledger.release(before)
        return params

    def _made_in_turn(
        self, call: Call, own: Gradient, wanted: list[int], summed: list[int]
    ) -> tuple[dict[int, Gradient], list[Storage]]:
        """The gradients that are not summed up; where each takes room of its own, also the maps of those that are."""
        step, rooms = self._step, call.operator.rooms
        if not rooms:
            return {number: self._input_gradient(call, own, number) for number in wanted if number not in summed}, []
        made: dict[int, Gradient] = {}
        maps: list[Storage] = []
        for number in reversed(wanted):
            room = step.ledger.take(step.room_bytes(call, rooms[number]), "scratch", call.node)
            if number in summed:
                maps.append(step.ledger.take(step.computed_bytes(call, call.elements), "scratch", call.node))
            else:
                made[number] = self._input_gradient(call, own, number)
            step.ledger.release(room)
        return made, maps

    def _free_kept(self, call: Call) -> None:
        for storage in self._step.kept.pop(call.index, ()):
            self._step.ledger.release(storage)

    @staticmethod
    def _made_at_once(call: Call) -> tuple[int, ...]:
        """Elements of those parameters whose gradients are not sums of a map."""
        operator = call.operator
        if operator.sums:
            return ()
        return operator.learns[:1] if operator.sums_bias else operator.learns

    def _own(self, call: Call) -> Gradient:
        """The gradient of the call's value, in the precision in which it computes."""
        step = self._step
        own = self._gradients.pop(call.index)
        if call.operator.stacks:
            own = self._stacked(call, own)
        if step.is_uniform or step.compute_of(call) == step.size_of(call):
            return own
        size = step.computed_bytes(call, call.elements)
        wider = Gradient(step.ledger.take(size, "gradient", call.node), own.value)
        step.ledger.release(own.storage)
        return wider

    def _stacked(self, call: Call, first: Gradient) -> Gradient:
        """The gradients of a value's parts behind one another."""
        ledger = self._step.ledger
        size = self._step.computed_bytes(call, call.elements)
        whole = Gradient(ledger.take(size, "gradient", call.node), contiguous(call.value.sizes))
        for part in (first.storage, *self._parts.pop(call.index, ())):
            ledger.release(part)
        return whole

    def _take_unwanted(self, call: Call) -> Storage | None:
        """Gradients that nobody wants, which some make all the same; those that are held on are returned."""
        step, operator = self._step, call.operator
        if operator.unwanted == "not made":
            return None
        unwanted = sum([self._calls[i].elements for i in call.inputs if not self._calls[i].needs_gradient])
        size = step.computed_bytes(call, unwanted) + step.room_bytes(call, call.training.backward)
        if operator.unwanted == "held":
            return step.ledger.take(size, "scratch", call.node)
        step.ledger.pass_by(size + step.computed_bytes(call, operator.sums or sum(operator.learns)), call.node)
        return None

    def _param_gradients(self, call: Call, learns: tuple[int, ...]) -> list[Storage]:
        """The gradients of parameters of so many elements; those that are to be copied or summed up are returned."""
        step = self._step
        copied = self._copies_params(call)
        if not copied and not self._reorders(call) and call.index not in self._summed:
            if learns:
                step.ledger.take(sum(learns) * step.params_size, "parameter gradient", call.node)
            return []
        size = step.precisions[call.node].compute if copied else step.params_size
        return [step.ledger.take(elements * size, "parameter gradient", call.node) for elements in learns]

    def _is_plain(self, call: Call, own: Gradient) -> bool:
        """Whether nothing more is done with the gradients of a call's parameters."""
        if self._step.precisions[call.node].copies_params or call.index in self._summed:
            return False
        return not self._reorders(call) or (own.value.is_channels_last and own.value.is_dense)

    def _finish(
        self, call: Call, made: list[tuple[int, Gradient]], params: list[Storage], held: Storage | None = None
    ) -> None:
        """Hand a call's gradients on, those of values and those of parameters.

        Args:
            call: which has run.
            made: of the values that it reads, by their calls.
            params: of its parameters, as far as there is more to do with them.
            held: what is freed behind that.
        """
        added: list[Storage] = []
        complete: list[Storage | None] = [*params]
        if not params or call.index not in self._summed:
            self._hand_on(made, added, call)
            self._release_all(added)
        elif call.operator.weight_is_view:  # addmm hands the bias's on first, and the weight's by way of the view
            for number in range(1, len(params)):
                complete[number] = self._sum_up(call, number, params[number], added)
            self._hand_on(made, added, call)
            self._release_all(added)
            complete[0] = self._sum_up(call, 0, params[0], added)
            self._release_all(added)
        else:
            self._hand_on(made, added, call)
            for number, gradient in enumerate(params):
                complete[number] = self._sum_up(call, number, gradient, added)
            self._release_all(added)
        if held is not None:
            self._step.ledger.release(held)
        if self._copies_params(call) and params:
            self._uncast.append((call, complete))
        elif params:
            self._copy_back(call, complete)

    def end(self, call: Call) -> None:
        """Behind a call's place: the gradients of its layer's parameters are cast once all behind the copies has run.

        The copies are made before the layer's first operator that reads one, the weight's last.
        """
        if not self._uncast:
            return
        before = self._calls[call.index - 1]
        if before.node == call.node and before.operator.computes == "layer":
            return
        for one, gradients in reversed(self._uncast):
            self._copy_back(one, gradients)
        self._uncast.clear()

    def _release_all(self, storages: list[Storage]) -> None:
        for storage in storages:
            self._step.ledger.release(storage)
        storages.clear()

    def _sum_up(self, call: Call, number: int, gradient: Storage, added: list[Storage]) -> Storage | None:
        """A parameter's gradient added to those of its other calls: the sum, where this is the last of them."""
        shared, ledger = self._summed, self._step.ledger
        parameter = shared.parameter(call.index, number)
        before = shared.sum_of(parameter)
        if before is None:
            shared.put(parameter, gradient)
            if self._reorders(call):
                shared.turned.add(parameter)
        else:
            added.append(gradient)
            if not self._adds_in_place:
                shared.put(parameter, ledger.take(before.size, "parameter gradient", call.node))
                ledger.release(before)
        return shared.take_complete(parameter)

    def _copy_back(self, call: Call, gradients: list[Storage | None]) -> None:
        """The parameters' gradients in the parameters' own precision, and the weight's then in its own order."""
        ledger = self._step.ledger
        copied = self._copies_params(call)
        for number, elements in enumerate(call.operator.learns[: len(gradients)]):
            before = gradients[number]
            for needed in (copied, number == 0 and self._is_turned(call)):
                if needed and before is not None:
                    made = ledger.take(elements * self._step.params_size, "parameter gradient", call.node)
                    ledger.release(before)
                    before = made

    def _is_turned(self, call: Call) -> bool:
        """Whether the gradient of a call's weight lies in another order; a sum lies as the first part of it did."""
        if call.index in self._summed:
            return self._summed.parameter(call.index, 0) in self._summed.turned
        return self._reorders(call)

    def _copies_params(self, call: Call) -> bool:
        """Whether its parameters are there in another precision."""
        return self._step.precisions[call.node].copies_params and call.operator.computes != "params"

    def _reorders(self, call: Call) -> bool:
        """Whether the weight's gradient lies in another order than the weight."""
        step, operator = self._step, call.operator
        convolves = operator.layout == "weight"
        if not operator.learns or operator.computes == "params" or not operator.owns_weight:
            return False
        if convolves and len(call.value.sizes) == 3:
            weight = step.facts[call.node].learned[0]
            return min(weight[1:]) > 1 and self._calls[call.inputs[0]].value.convolves_channels_last
        if not step.facts[call.node].has_order:
            return False
        turned = self._calls[call.inputs[0]].value.suggests_channels_last or step.channels_last
        return (convolves and turned) != step.channels_last

    def _is_cast_at_once(self, call: Call) -> bool:
        """Whether gradients get the precision of their values before anything is freed.

        The engine does so where an operator has read a value of another precision as it was; where autocast has made a
        copy of that, the copy's gradient is cast by a function of its own.
        """
        return not self._reads_copies(call)

    def _reads_copies(self, call: Call) -> bool:
        """Whether it reads what has another precision by way of a copy."""
        return call.operator.computes == "layer" and self._step.precisions[call.node].copies_inputs

    def _cast(self, made: list[tuple[int, Gradient]], call: Call) -> list[tuple[int, Gradient]]:
        """Gradients in the precisions of their values."""
        if self._step.is_uniform:
            return made
        return [(source, self._in_precision_of(source, gradient, call)) for source, gradient in made]

    def _in_precision_of(self, source: int, gradient: Gradient, call: Call) -> Gradient:
        """A gradient in the precision of the value that it is of."""
        step, origin = self._step, self._calls[source]
        is_param = origin.operator.computes == "params" and not self._reads_copies(call)
        if is_param or step.size_of(origin) == step.compute_of(call):
            return gradient
        copied = Gradient(step.take(origin, "gradient"), gradient.value)
        step.ledger.release(gradient.storage)
        return copied

    def _input_gradient(self, call: Call, own: Gradient, number: int) -> Gradient:
        """The gradient of one of its inputs: in memory of its own, or in its output's."""
        if call.operator.gradient(number) == "shared":
            own.storage.holders += 1
            return own
        origin = self._calls[call.inputs[number]]
        shared = self._shared(call, own, number, origin)
        if shared is not None:
            own.storage.holders += 1
            return Gradient(own.storage, shared)
        size = self._step.computed_bytes(call, max(origin.elements, call.operator.gradient_storage))
        if origin.operator.computes == "params":
            if not self._reads_copies(call):
                size = self._step.value_bytes(origin)
            return Gradient(self._step.ledger.take(size, "gradient", origin.node), contiguous(origin.value.sizes))
        key = (id(call.operator), number, id(own.value), id(origin.value))
        known = self._known.get(key)
        if known is None:  # the gradient's value is kept too, lest another takes its identity
            known = self._known[key] = (self._laid(call, own.value, number, origin.value), own.value)
        value = known[0]
        return Gradient(self._step.ledger.take(size, "gradient", origin.node), value)

    def _shared(self, call: Call, own: Gradient, number: int, origin: Call) -> Value | None:
        """How the gradient lies in its output's, but not as it does; None where it has memory of its own."""
        kind = call.operator.gradient(number)
        if kind == "new":
            return None
        if kind == "view":
            return own.value._replace(sizes=origin.value.sizes)
        if kind == "reshape":
            return viewed(own.value, origin.value.sizes)
        if kind == "expand":
            return Value(origin.value.sizes, _stretched(own.value, origin.value.sizes))
        if kind == "permute":
            dims = call.operator.dims
            return own.value.permuted(tuple([dims.index(dim) for dim in range(len(dims))]))
        return None

    def _laid(self, call: Call, own: Value, number: int, origin: Value) -> Value:
        """In which order a new gradient lies."""
        layout, sizes = call.operator.layout, origin.sizes
        if layout == "base":
            return origin
        if layout == "weight":
            return channels_last(sizes) if call.operator.is_turned else convolved(sizes, origin)
        if layout == "tokens":
            batch, heads, tokens, width = sizes
            return contiguous((batch, tokens, heads, width)).permuted((0, 2, 1, 3))
        if layout in {"format", "own format"}:
            return in_format_of(sizes, own if layout == "own format" else origin)
        if layout in {"own", "kept", "output"}:
            return self._as_elementwise(call, own, number, origin)
        operands = _operands(call, own, origin)
        return iterated(sizes, operands) if operands else contiguous(sizes)

    @staticmethod
    def _as_elementwise(call: Call, own: Value, number: int, origin: Value) -> Value:
        """In which order an elementwise operator gives it."""
        layout, sizes = call.operator.layout, origin.sizes
        if layout == "kept" and own.sizes != sizes:  # what is stretched has no say
            return iterated(sizes, (origin,))
        operands = {"own": (own,), "kept": (origin, own)}.get(layout, (call.value, own))
        fits = call.operator.gradient(number) == "new" and all(operand.sizes == sizes for operand in operands)
        return iterated(sizes, operands) if fits else contiguous(sizes)

    def _hand_on(self, made: list[tuple[int, Gradient]], added: list[Storage], call: Call) -> None:
        """Add gradients to those that there are; what was added is freed when all have been handed on.

        What is another value's by name only has that one's gradient. Those of copies are cast by functions that run
        behind the call's, that of the last copy first.
        """
        copies = [one for one in made if self._has_other_precision(one[0], call)]
        self._add_to_others([one for one in made if one not in copies] if copies else made, added)
        if copies:
            self._release_all(added)
        for reads, gradient in reversed(copies):
            self._add_to_others([(reads, self._in_precision_of(reads, gradient, call))], added)
            self._release_all(added)

    def _has_other_precision(self, source: int, call: Call) -> bool:
        """Whether a value that a call reads as a copy has another precision."""
        step = self._step
        if step.is_uniform or self._is_cast_at_once(call):
            return False
        return step.size_of(self._calls[source]) != step.compute_of(call)

    def _add_to_others(self, made: list[tuple[int, Gradient]], added: list[Storage]) -> None:
        for reads, gradient in made:
            index = self._named[reads]
            before = self._gradients.get(index)
            if before is None:
                self._gradients[index] = gradient
            elif self._calls[index].operator.stacks:
                self._parts.setdefault(index, []).append(gradient.storage)
            else:
                self._add(index, before, gradient)
                added.append(gradient.storage)

    def _add(self, index: int, before: Gradient, gradient: Gradient) -> None:
        """One more reader's gradient of a value."""
        if self._adds_in_place and before.storage.holders == 1 and not before.is_part:
            return
        call = self._calls[index]
        value = iterated(call.value.sizes, (before.value, gradient.value))
        self._gradients[index] = Gradient(self._step.take(call, "gradient"), value)
        self._step.ledger.release(before.storage)


def _named(calls: list[Call]) -> list[int]:
    """For each call the one whose value it is, if by another name."""
    found: list[int] = []
    for call in calls:
        found.append(found[call.inputs[0]] if call.is_name_only else call.index)
    return found


def _is_reduced(operator: Operator) -> bool:
    """Whether a gradient of what it reads is a whole map, summed up."""
    return operator.training.gradient == "reduced" or "reduced" in operator.gradients


def _operands(call: Call, own: Value, origin: Value) -> tuple[Value, ...]:
    """What the operators iterate over that make the gradient of what is reduced or sliced; nothing for `shape`."""
    sizes = origin.sizes
    if call.operator.layout == "expanded":
        return (Value(sizes, (*own.strides[:2], *(0,) * (len(sizes) - 2))),)
    found: dict[str, tuple[Value, ...]] = {
        "sliced": (own._replace(sizes=sizes),),
        "stretched": (own,),
        "scaled": (own, origin),
    }
    if call.operator.layout == "masked":
        return (own, iterated(sizes, (call.value, origin)))
    return found.get(call.operator.layout, ())


def _stretched(value: Value, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a value that is expanded to sizes."""
    return tuple(
        [stride if own == size else 0 for own, size, stride in zip(value.sizes, sizes, value.strides, strict=True)]
    )
