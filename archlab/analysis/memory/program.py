"""A network as the operators of PyTorch that it runs, one after the other, and how long each value has a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archlab.analysis.conditions import Conditions
from archlab.analysis.facts import Facts
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.graph import Graph, Node
from archlab.layers.operators import FIRST, Holding, Operator, Run, whole
from archlab.layers.room import KEEPS_NOTHING, Gradient, Training
from archlab.layers.runtime import Execution
from archlab.layers.strides import Value, contiguous, turned


@dataclass(slots=True, eq=False)
class Call:
    """One call of an operator.

    Attributes:
        index: its place among all calls.
        node: the graph's node that it is of.
        operator: what it does.
        inputs: the calls whose values it reads.
        value: what it gives.
        holding: where that lives.
        elements: of its value.
        base: the call whose value this one is a view of, as autograd sees it; its own index where it is none.
        is_last: whether its value is the node's.
        needs_gradient: whether its value's gradient is wanted.
        drops: the values that have no name any more when it is done.
    """

    index: int
    node: int
    operator: Operator
    inputs: tuple[int, ...]
    value: Value
    holding: Holding
    elements: int
    base: int
    is_last: bool = False
    needs_gradient: bool = False
    drops: Sequence[int] = ()

    @property
    def is_view(self) -> bool:
        """Whether its value is its first input's memory, unchanged."""
        return self.holding in {"view", "alias"}

    @property
    def is_name_only(self) -> bool:
        """Whether it is no operator at all, and its value just its input's."""
        return self.holding == "alias" and self.operator.training.gradient == "shared"

    @property
    def training(self) -> Training:
        """What autograd keeps of it."""
        return self.operator.training

    def keeps(self, number: int, needed: list[bool]) -> bool:
        """Whether autograd keeps one of the inputs that it may keep.

        Args:
            number: of the input.
            needed: for each input, whether its gradient is wanted.
        """
        kept_for = self.operator.kept_for
        if kept_for:
            return any(needed[other] for other in kept_for[number])
        return not self.operator.is_product or any(needed[:number] + needed[number + 1 :])


@dataclass(slots=True, eq=False)
class Program:
    """All calls of a network's forward pass, in order.

    Attributes:
        graph: the network.
        calls: in order; the first is the input.
        results: for each node of the graph, the call that gives its value.
        starts: for each node of the graph, its first call; one more, behind the last.
    """

    graph: Graph
    calls: list[Call]
    results: list[int]
    starts: list[int]

    def outputs(self) -> list[int]:
        """The calls that give the network's results."""
        return [self.results[index] for _, index in self.graph.outputs]


MAX_CALLS = 65_536
"""Operators of a network: a layer may run a dozen (circular padding)."""

Known = dict[tuple[int, ...], list[tuple[Operator, int]]]
"""Operators by the identity of their layer and of the values that they read."""


def inference_program(graph: Graph, facts: list[Facts], conditions: Conditions) -> Program:
    """The calls of a network in a forward pass.

    Args:
        graph: the network.
        facts: of its nodes.
        conditions: under which it runs.
    """
    return program(graph, facts, Run(conditions.batch, False, conditions.channels_last, not conditions.adds_in_place))


def training_program(graph: Graph, facts: list[Facts], conditions: Conditions) -> Program:
    """The calls of a network in a training step.

    Args:
        graph: the network.
        facts: of its nodes.
        conditions: how it is trained.
    """
    watched, autocast = not conditions.adds_in_place, conditions.autocast is not None
    return program(graph, facts, Run(conditions.batch, True, conditions.channels_last, watched, autocast))


def program(graph: Graph, facts: list[Facts], run: Run) -> Program:
    """The calls of a network.

    Args:
        graph: the network.
        facts: of its nodes.
        run: under which conditions.

    Raises:
        ConfigError: for too many of them.
    """
    return _Writer(graph, facts, run).write()


class _Writer:
    """Writes calls down, node by node."""

    def __init__(self, graph: Graph, facts: list[Facts], run: Run) -> None:
        self._graph = graph
        self._facts = facts
        self._run = run
        self._calls: list[Call] = []
        self._results: list[int] = []
        self._starts: list[int] = []
        self._known: Known = {}
        self._values: dict[Value, Value] = {}
        """One object for each value, so that equal ones have one identity."""
        self._needed: list[bool] = []
        """Of each call, whether its gradient is wanted."""

    def write(self) -> Program:
        """All of them."""
        for node in self._graph.nodes:
            self._starts.append(len(self._calls))
            if node.inputs:
                self._write_node(node)
            else:
                self._write_input(node)
            if len(self._calls) > MAX_CALLS:
                raise single_problem(
                    f"'{node.path}': up to here the layers run more than {MAX_CALLS:,} operators of PyTorch",
                    Code.TOO_LARGE,
                    node.place,
                )
            self._results.append(len(self._calls) - 1)
            self._calls[-1].is_last = True
        self._starts.append(len(self._calls))
        self._name_variables()
        return Program(self._graph, self._calls, self._results, self._starts)

    def _write_input(self, node: Node) -> None:
        sizes = (self._run.batch, *node.shape)
        value = self._one(turned(contiguous(sizes)) if self._run.channels_last else contiguous(sizes))
        self._needed.append(False)
        index = len(self._calls)
        self._calls.append(Call(index, node.index, Operator(value, ()), (), value, "new", value.elements, index))

    def _write_node(self, node: Node) -> None:
        calls, results = self._calls, self._results
        sources = [results[index] for index in node.inputs]
        key = (id(node.layer), *[id(calls[source].value) for source in sources])
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._operators(node, tuple([calls[source].value for source in sources]))
        placed: list[int] = []
        for operator, elements in known:
            inputs = tuple([sources[~read] if read <= FIRST else placed[read] for read in operator.reads])
            self._write_call(node, operator, inputs, elements)
            placed.append(len(calls) - 1)

    def _operators(self, node: Node, values: tuple[Value, ...]) -> list[tuple[Operator, int]]:
        """Its operators, each with the elements of its value."""
        found: list[tuple[Operator, int]] = []
        given = value = values[0]
        elements = given.elements
        fact, shapes = self._facts[node.index], self._graph.input_shapes(node)
        execution = Execution(values, shapes, node.shape, fact.learned, self._run)
        for operator in fact.runtime.made_of(execution):
            if operator.value is not given:
                given = operator.value
                value, elements = self._one(given), given.elements
            one = operator if value is given else operator._replace(value=value)
            found.append((one, elements))
        return found

    def _one(self, value: Value) -> Value:
        return self._values.setdefault(value, value)

    def _write_call(self, node: Node, operator: Operator, inputs: tuple[int, ...], elements: int) -> None:
        calls = self._calls
        holding = operator.holding
        index = base = len(calls)
        needs = self._run.training and self._needs_gradient(operator, inputs)
        if holding != "new":
            base = calls[inputs[0]].base
            if holding == "inplace":
                if base != inputs[0] and needs:
                    self._write_over_view(node, operator, inputs, base)
                    return
                base = index
            elif holding == "cast" or (holding == "alias" and base == inputs[0]):
                base = index
        self._needed.append(needs)
        calls.append(Call(index, node.index, operator, inputs, operator.value, holding, elements, base, False, needs))

    def _needs_gradient(self, operator: Operator, inputs: tuple[int, ...]) -> bool:
        """Whether a call's gradient is wanted: for a parameter's sake, or for that of a value it reads."""
        if operator.learns:
            return True
        return any(map(self._needed.__getitem__, inputs))

    def _write_over_view(self, node: Node, operator: Operator, inputs: tuple[int, ...], base: int) -> None:
        """A view overwritten: autograd puts the base's part in its place (`CopySlices`), and the view on that again.

        The gradient of the view goes into zeros of the base's size; that is copied, and the part's gradient cloned
        and made anew.
        """
        calls = self._calls
        whole_value, part = calls[base].value, calls[inputs[0]].value
        gradients: tuple[Gradient, ...] = ("new", *[operator.gradient(n) for n in range(1, len(inputs))])
        training = operator.training
        room = whole(training.backward.fixed_elements + 2 * part.elements)
        copied = operator._replace(
            value=whole_value, gradients=gradients, training=training._replace(backward=room), layout="base"
        )
        self._append(node, copied, (base, *inputs[1:]), len(calls))
        seen = Operator(part, (), "view", KEEPS_NOTHING, layout="base")
        self._append(node, seen, (len(calls) - 1,), len(calls) - 1)

    def _append(self, node: Node, operator: Operator, inputs: tuple[int, ...], base: int) -> None:
        calls, value = self._calls, operator.value
        self._needed.append(True)
        calls.append(
            Call(len(calls), node.index, operator, inputs, value, operator.holding, value.elements, base, False, True)
        )

    def _name_variables(self) -> None:
        """Find after which call each value's name is gone."""
        calls, starts, results = self._calls, self._starts, self._results
        count = len(calls)
        last = list(range(count))
        held: list[Call] = []
        for node in self._graph.nodes:
            start, stop = starts[node.index], starts[node.index + 1]
            pairwise = self._facts[node.index].runtime.pairwise
            for call in calls[start:stop]:
                for source in call.inputs:
                    last[source] = call.index if pairwise or source >= start else stop - 1
                if call.operator.until >= 0 and not call.is_last:
                    held.append(call)
        for call in held:
            last[call.index] = max(last[call.index], starts[call.node] + call.operator.until)
        # on a device nobody holds the input, whose memory is taken again
        inputs = [results[node.index] for node in self._graph.inputs] if self._graph.deployment is None else []
        for kept in (*inputs, *[results[index] for _, index in self._graph.outputs]):
            last[kept] = count
        drops: dict[int, list[int]] = {}
        for index, at in enumerate(last):
            if at < count:
                drops.setdefault(at, []).append(index)
        for at, dropped in drops.items():
            calls[at].drops = dropped
