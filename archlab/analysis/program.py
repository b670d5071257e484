"""A network as the operators of PyTorch that it runs, one after the other, and how long each value has a name."""

from __future__ import annotations

from dataclasses import dataclass, field

from archlab.graph import Graph, Node
from archlab.layers.operators import FIRST, Holding, Operator, Run, whole
from archlab.layers.room import KEEPS_NOTHING, Gradient, Training
from archlab.layers.strides import Value, contiguous, turned


@dataclass(slots=True)
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
    drops: list[int] = field(default_factory=list)

    @property
    def is_view(self) -> bool:
        """Whether its value is its first input's memory, unchanged."""
        return self.holding in {"view", "alias"}

    @property
    def is_name_only(self) -> bool:
        """Whether it is no operator at all, and its value just its input's."""
        return self.holding == "alias" and self.training.gradient == "shared"

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
        return not self.operator.is_product or any(needed[:number] + needed[number + 1 :])


@dataclass(slots=True)
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


Known = dict[tuple[int, tuple[Value, ...]], tuple[Operator, ...]]


def program(graph: Graph, run: Run) -> Program:
    """The calls of a network.

    Args:
        graph: the network.
        run: under which conditions.
    """
    return _Writer(graph, run).write()


class _Writer:
    """Writes calls down, node by node."""

    def __init__(self, graph: Graph, run: Run) -> None:
        self._graph = graph
        self._run = run
        self._calls: list[Call] = []
        self._results: list[int] = []
        self._starts: list[int] = []
        self._known: Known = {}

    def write(self) -> Program:
        """All of them."""
        for node in self._graph.nodes:
            self._starts.append(len(self._calls))
            if node.inputs:
                self._write_node(node)
            else:
                self._write_input(node)
            self._results.append(len(self._calls) - 1)
            self._calls[-1].is_last = True
        self._starts.append(len(self._calls))
        self._name_variables()
        return Program(self._graph, self._calls, self._results, self._starts)

    def _write_input(self, node: Node) -> None:
        sizes = (self._run.batch, *node.shape)
        value = turned(contiguous(sizes)) if self._run.channels_last else contiguous(sizes)
        self._calls.append(Call(0, node.index, Operator(value, ()), (), value, "new", value.elements, 0))

    def _write_node(self, node: Node) -> None:
        sources = tuple([self._results[index] for index in node.inputs])
        values = tuple([self._calls[source].value for source in sources])
        key = (id(node.layer), values)
        operators = self._known.get(key)
        if operators is None:
            shapes = self._graph.input_shapes(node)
            operators = self._known[key] = node.layer.operators(values, shapes, node.shape, self._run)
        placed: list[int] = []
        for operator in operators:
            inputs = tuple([sources[~read] if read <= FIRST else placed[read] for read in operator.reads])
            self._write_call(node, operator, inputs)
            placed.append(len(self._calls) - 1)

    def _write_call(self, node: Node, operator: Operator, inputs: tuple[int, ...]) -> None:
        calls = self._calls
        needs = bool(self._run.training and (operator.learns or any(calls[source].needs_gradient for source in inputs)))
        if operator.holding == "inplace":
            base = calls[inputs[0]].base
            if base != inputs[0] and needs:
                self._write_over_view(node, operator, inputs, base)
                return
        else:
            base = len(calls) if operator.holding == "new" else calls[inputs[0]].base
            if operator.holding == "alias" and base == inputs[0]:
                base = len(calls)
        self._append(node, operator, inputs, operator.holding, base, needs=needs)

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
        self._append(node, copied, (base, *inputs[1:]), "inplace", base, needs=True)
        seen = Operator(part, (), "view", KEEPS_NOTHING, layout="base")
        self._append(node, seen, (len(calls) - 1,), "view", len(calls) - 1, needs=True)

    def _append(
        self, node: Node, operator: Operator, inputs: tuple[int, ...], holding: Holding, base: int, *, needs: bool
    ) -> None:
        index = len(self._calls)
        if holding == "inplace":
            base = index
        value = operator.value
        self._calls.append(
            Call(index, node.index, operator, inputs, value, holding, value.elements, base, needs_gradient=needs)
        )

    def _name_variables(self) -> None:
        """Find after which call each value's name is gone."""
        calls, starts, results = self._calls, self._starts, self._results
        last = list(range(len(calls)))
        for call in calls:
            for source in call.inputs:
                inside = calls[source].node == call.node
                node = self._graph.nodes[call.node]
                last[source] = call.index if inside or node.layer.pairwise else starts[call.node + 1] - 1
        for call in calls:
            until = call.operator.until
            if until >= 0 and not call.is_last:
                last[call.index] = max(last[call.index], starts[call.node] + until)
        for kept in (0, *[results[index] for _, index in self._graph.outputs]):
            last[kept] = len(calls)
        for index, at in enumerate(last):
            if at < len(calls):
                calls[at].drops.append(index)
