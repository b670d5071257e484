"""The numbers of one part of a network, for given params and what enters it.

Costs of parts add up. The most bytes alive at one time are the most of any part, since what enters a part is all that
is alive of what is in front of it. What a unit sees through two parts follows from what it sees through each.
"""

from __future__ import annotations

from typing import NamedTuple

from archlab.analysis.conditions import Conditions
from archlab.analysis.facts import DTYPE_BYTES, collect_facts
from archlab.analysis.memory.inference import inference_memory
from archlab.analysis.memory.program import MAX_CALLS, Call, Program, inference_program
from archlab.analysis.receptive_field.axis_field import AxisField, Periodic
from archlab.analysis.receptive_field.composition import MAX_WORK, Work
from archlab.analysis.receptive_field.fields import ReceptiveField, receptive_fields
from archlab.analysis.receptive_field.outputs import last_spatial, seen_at
from archlab.config.expand.budget import Budget, OverBudgetError
from archlab.config.expand.elaborate import Elaborator
from archlab.config.expand.inputs import ONLY, NamedInput
from archlab.config.expand.network import read_outputs
from archlab.config.expand.prune import prune
from archlab.config.syntax.limits import MAX_INPUTS, MAX_NODES, MAX_STEPS
from archlab.config.tree.document import Document, Params
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, Problem, Problems, TooManyProblemsError
from archlab.graph import Graph
from archlab.graph.checks import check_graph, may_overwrite
from archlab.sweep.entering import Entering, State
from archlab.sweep.parts import Part

AxisMap = tuple[int, int] | None
"""What a unit sees along an axis of what enters: positions beyond the first, and their step from unit to unit; None for
the whole."""
Map = tuple[AxisMap, ...]


class Stage(NamedTuple):
    """The numbers of a part.

    Attributes:
        params: learnable elements.
        buffers: elements.
        buffer_bytes: what these take.
        macs: of the batch, as all that follow.
        flops: as `analysis` counts them.
        activations: elements.
        activation_bytes: of all outputs.
        different: layers that differ in type, arguments or input.
        load: the share of the other bounds on a network's size that it uses.
        peak: the most bytes of activations alive at one time, the network's input among them.
        field: what a unit of its result sees of what enters.
        seen: the same of what a receptive field is told of; None where that is what it is for what enters.
        leaves: what it leaves for the next part.
    """

    params: int
    buffers: int
    buffer_bytes: int
    macs: int
    flops: int
    activations: int
    activation_bytes: int
    different: int
    load: float
    peak: int
    field: Map
    seen: Map | None
    leaves: State


class Invalid(NamedTuple):
    """A part that is none with these params.

    Attributes:
        problem: the first one.
    """

    problem: Problem


class Entire(NamedTuple):
    """A part whose numbers do not compose: the network must be analysed as a whole.

    Attributes:
        reason: why.
    """

    reason: str


Found = Stage | Invalid | Entire
NOT_OF_A_PART = (Code.UNUSED, Code.INPLACE)
"""Problems that other parts may have to do with."""


class _WholeError(Exception):
    """The network must be analysed as a whole."""


def _load(budget: Budget, work: Work, program: Program) -> float:
    """The share of the bounds on a network that a part uses."""
    used = (
        (budget.spent, MAX_STEPS),
        (budget.nodes, MAX_NODES),
        (budget.inputs, MAX_INPUTS),
        (len(program.calls), MAX_CALLS),
        (work.steps * 100, MAX_WORK),
    )
    return max([amount / most for amount, most in used])


def chained(first: Stage, second: Stage) -> Stage:
    """Two parts, one behind the other, as one."""
    return Stage(
        params=first.params + second.params,
        buffers=first.buffers + second.buffers,
        buffer_bytes=first.buffer_bytes + second.buffer_bytes,
        macs=first.macs + second.macs,
        flops=first.flops + second.flops,
        activations=first.activations + second.activations,
        activation_bytes=first.activation_bytes + second.activation_bytes,
        different=first.different + second.different,
        load=first.load + second.load,
        peak=max(first.peak, second.peak),
        field=through(first.field, second.field),
        seen=first.seen if second.seen is None else through(first.field, second.seen),
        leaves=second.leaves,
    )


def through(outer: Map, inner: Map) -> Map:
    """What a unit sees through two parts.

    Args:
        outer: of what leaves the first one.
        inner: of the second one, in units of what enters it.
    """
    return tuple(
        [
            None if near is None or far is None else (far[0] + near[0] * far[1], far[1] * near[1])
            for far, near in zip(outer, inner, strict=True)
        ]
    )


def stage_of(document: Document, part: Part, params: Params, entering: State, conditions: Conditions) -> Found:
    """The numbers of a part.

    Args:
        document: the config.
        part: of its items.
        params: values of all its params.
        entering: what enters.
        conditions: batch, dtype and memory format.
    """
    problems = Problems()
    budget = Budget()
    try:
        graph = _graph(document, part, params, entering, problems, budget)
    except OverBudgetError:
        return Entire("it is near a bound on the size of networks")
    except TooManyProblemsError:
        graph = None
    except ConfigError as error:
        problems.found += error.problems
        graph = None
    if problems.found or graph is None:
        return _invalid(problems)
    try:
        return _numbers(graph, part, entering, conditions, budget)
    except _WholeError as error:
        return Entire(str(error))
    except ConfigError as error:
        return Entire(error.problems[0].message)


def _invalid(problems: Problems) -> Found:
    if not problems.found:
        return Entire("its problems are of the network as a whole")
    own = [problem for problem in problems.found if problem.code not in NOT_OF_A_PART]
    return Invalid(own[0]) if own else Entire(problems.found[0].message)


def _graph(
    document: Document, part: Part, params: Params, entering: State, problems: Problems, budget: Budget
) -> Graph | None:
    elaborator = Elaborator(document, params, problems, budget)
    stands_in = None if entering.value is None else Entering(state=entering)
    last, names = elaborator.run_part({ONLY: NamedInput(entering.input)}, part.layers, stands_in)
    found = read_outputs(part.outputs, last, names, problems, None, budget)
    if problems.found or found is None:
        return None
    form, results = found
    graph = Graph(document.name, elaborator.finished(), results, form)
    check_graph(graph, problems, prune(graph, elaborator.uses))
    return graph


def _numbers(graph: Graph, part: Part, entering: State, conditions: Conditions, budget: Budget) -> Stage:
    facts = collect_facts(graph)
    work = Work()
    fields = receptive_fields(graph, facts, work)
    program = inference_program(graph, facts, conditions)
    size = DTYPE_BYTES[conditions.dtype]
    memory = inference_memory(program, size)
    own = slice(1 if entering.value is None else 2, None)
    if any(fact.unknown for fact in facts) or any(field.unknown or field.adaptive for field in fields):
        raise _WholeError("a layer of it does not say all of its numbers from shapes alone")
    macs = sum([fact.macs for fact in facts[own]])
    buffers = sum([fact.buffers for fact in facts[own]])
    fixed = sum([fact.fixed_buffers for fact in facts[own]])
    last = graph.outputs[0][1]
    return Stage(
        params=sum([fact.params for fact in facts[own]]),
        buffers=buffers,
        buffer_bytes=(buffers - fixed) * size + sum([fact.fixed_buffer_bytes for fact in facts[own]]),
        macs=macs * conditions.batch,
        flops=(2 * macs + sum([fact.elementwise for fact in facts[own]])) * conditions.batch,
        activations=sum([fact.activations for fact in facts[own]]) * conditions.batch,
        activation_bytes=sum(memory.new_bytes[own]),
        different=len(set(graph.alike)),
        load=_load(budget, work, program),
        peak=memory.peak,
        field=_map(fields[last]),
        seen=_seen(graph, fields, part, entering),
        leaves=_leaves(graph, program, fields[last], entering),
    )


def _map(field: ReceptiveField) -> Map:
    if field.is_nothing:
        raise _WholeError("its result does not depend on its input")
    return tuple([_axis_map(axis) for axis in field.axes])


def _axis_map(axis: AxisField | None) -> AxisMap:
    if axis is None:
        return None
    if not isinstance(axis, Periodic) or axis.up > 1:
        raise _WholeError("units of one map see fields of several sizes")
    first, last, _ = axis.spans[0]
    if last < first:
        raise _WholeError("units of a map see nothing")
    return last - first, axis.down


def _seen(graph: Graph, fields: list[ReceptiveField], part: Part, entering: State) -> Map | None:
    """What the network's receptive field is told of, or the last map in front of the next part (`outputs.seen_at`)."""
    last = last_spatial(graph, fields)
    for node in graph.layers:
        if not any(fields[node.index].axes):
            _require_one(last[node.index], {last[source] for source in node.inputs}, fields)
    result = graph.nodes[graph.outputs[0][1]]
    index = seen_at(result, last) if part.is_last else last[result.index]
    if index is None:
        return _map(fields[result.index])
    is_before = index == 0 and entering.value is not None
    return None if is_before else _map(fields[index])


def _require_one(chosen: int | None, found: set[int | None], fields: list[ReceptiveField]) -> None:
    """Refuse a choice of a map that could be another one behind other layers: one sees more along one axis only."""
    if chosen is None:
        return
    largest = _map(fields[chosen])
    for index in found - {chosen, None}:
        assert index is not None
        for most, axis in zip(largest, _map(fields[index]), strict=True):
            if most is not None and (axis is None or axis[0] > most[0]):
                raise _WholeError("several maps lead to a value without positions")


def _leaves(graph: Graph, program: Program, field: ReceptiveField, entering: State) -> State:
    result = graph.outputs[0][1]
    if result == 0:
        return entering
    call = program.calls[program.results[result]]
    owner = _owner(program.calls, call)
    storage = owner.elements if owner.node else 0
    spatial = tuple([axis is not None for axis in field.axes])
    is_free = may_overwrite(graph, result)
    return State(entering.input, graph.nodes[result].shape, call.value, storage, is_free, spatial)


def _owner(calls: list[Call], call: Call) -> Call:
    while call.holding != "new":
        call = calls[call.inputs[0]]
    return call
