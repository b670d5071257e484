"""Receptive field of every node: which part of the input a unit sees, exact for any acyclic graph.

Each layer says which units it reads (`layers.geometry`); composing these sets along the graph, and taking
the union at joins, gives the field per axis. Fields are theoretical: they reach into the padding and do
not end at the border of the input. For networks without branches this is the recurrence of Araujo,
Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill, 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil, isinf
from operator import is_
from typing import NamedTuple

from archlab.analysis.facts import Facts
from archlab.analysis.receptive_field.axis_field import INPUT_AXIS, AxisField, Periodic, UnitTable
from archlab.analysis.receptive_field.composition import ALIGNED, Composer, Shift, Target, Work, widen
from archlab.analysis.receptive_field.demand import Demand
from archlab.analysis.receptive_field.gaps import AxisFields, Gaps, has_gaps, pattern
from archlab.analysis.receptive_field.spans import DENSE
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.graph import Graph, Node
from archlab.layers.geometry import AxisReads, is_pointwise, is_unknown, largest_reach, pointwise
from archlab.layers.shape import FLAT_AXES, axis_count, is_map, map_size, size_along

JoinAxis = Callable[[Composer, Sequence[AxisField], Target], tuple[AxisField, Shift]]
"""The field of several maps of a size, and how far the joined units lie apart."""
SeenReads = Callable[[AxisReads], AxisReads]
"""What is read, in the sense of the analysis at hand."""


class Misalignment(NamedTuple):
    """The join on the way at which the joined units lie farthest apart.

    Attributes:
        path: of the join.
        largest: distance of the centres of what its inputs' units see, along each axis, the largest over
            the units of its map, in input positions.
        mean: the mean over them.
    """

    path: str
    largest: tuple[Fraction, ...]
    mean: tuple[Fraction, ...]


class ReceptiveField:
    """What one unit of a node sees.

    Attributes:
        axes: along each axis of the input; None if every unit sees the whole of it.
        misalignment: the worst join on the way; None if at each one the joined units were centred on one position.
        context: whether a gate (squeeze-excitation, say) sees more than the field.
        adaptive: whether a layer on the way chooses its positions from the data.
        unknown: whether a layer on the way does not say what it reads; an axis that is None may be seen in part then.
        is_nothing: whether no way leads to it from the input that is meant: it comes from another, or from none.
        apart: the ways whose union the field is, where layers behind can end one and not another
            (`analysis.receptive_field.gaps`); () where they cannot.
    """

    __slots__ = ("adaptive", "apart", "axes", "context", "is_nothing", "misalignment", "unknown")

    def __init__(
        self,
        axes: AxisFields,
        *,
        misalignment: Misalignment | None = None,
        context: bool = False,
        adaptive: bool = False,
        unknown: bool = False,
        is_nothing: bool = False,
        apart: tuple[AxisFields, ...] = (),
    ) -> None:
        self.axes = axes
        self.apart = apart
        self.is_nothing = is_nothing
        self.misalignment = misalignment
        self.context = context
        self.adaptive = adaptive
        self.unknown = unknown

    @property
    def height(self) -> AxisField | None:
        """Along the axis before the last, of an input with two axes at least."""
        return self.axes[-2]

    @property
    def width(self) -> AxisField | None:
        """Along the last axis."""
        return self.axes[-1]

    @property
    def aligned(self) -> bool:
        """Whether at every join on the way the joined units were centred on one position."""
        return self.misalignment is None

    @property
    def is_global(self) -> bool:
        """Whether every unit sees the whole input."""
        return not any(self.axes) and not self.unknown


def receptive_fields(graph: Graph, facts: list[Facts], work: Work | None = None) -> list[ReceptiveField]:
    """The field of every node, in order: the union over all paths from the first input (`graph.viewpoint`).

    Args:
        graph: the network.
        facts: of its nodes.
        work: what the fields of other inputs took, if they share a bound.

    Raises:
        ConfigError: where they would take too long.
    """
    return _Walk(graph, facts, Composer.join, _as_they_are, work=work).fields()


def narrowest_fields(graph: Graph, facts: list[Facts]) -> list[ReceptiveField]:
    """For every node, the field along the path that sees least."""
    return _Walk(graph, facts, Composer.narrowest, _as_they_are).fields()


def bounded_fields(graph: Graph, facts: list[Facts]) -> list[ReceptiveField] | None:
    """The fields at the largest offsets that adaptive layers may choose; None if one has no bound.

    Offsets end between positions, where the two around them are read.
    """
    if any(isinf(largest_reach(reads)) for fact in facts for reads in fact.reads):
        return None

    def at_the_largest(reads: AxisReads) -> AxisReads:
        reach = ceil(largest_reach(reads))
        return tuple([widen(axis, reach) for axis in reads]) if reach else reads

    return _Walk(graph, facts, Composer.join, at_the_largest).fields()


def _as_they_are(reads: AxisReads) -> AxisReads:
    return reads


def windowed_fields(graph: Graph, facts: list[Facts], fields: list[ReceptiveField]) -> list[ReceptiveField]:
    """For every node, the union over those paths alone that no layer makes global; None where there is none.

    Args:
        graph: the network.
        facts: of its nodes.
        fields: the unions over all paths, which decide what is a gate.

    Raises:
        ConfigError: where they would take too long.
    """
    return _Walk(graph, facts, Composer.join, _as_they_are, _Windowed(gate_inputs(graph, fields))).fields()


def gate_inputs(graph: Graph, fields: list[ReceptiveField]) -> dict[int, frozenset[int]]:
    """By product: which of its inputs are gates that see everything, beside others that do not.

    What those see is context, not field. Inputs that see nothing of the network's first input are none of these others.
    """
    joins = [node for node in graph.layers if len(node.inputs) > 1]
    found = {node.index: _gates(node, [fields[i] for i in node.inputs]) for node in joins}
    return {index: numbers for index, numbers in found.items() if numbers}


def _gates(node: Node, inputs: list[ReceptiveField]) -> frozenset[int]:
    if node.layer.others != "gated":
        return frozenset()
    whole = frozenset([number for number, field in enumerate(inputs) if field.is_global])
    seeing = sum([not field.is_nothing for field in inputs])
    return whole if len(whole) < seeing else frozenset()


class _Windowed(NamedTuple):
    """That joins leave out what is global.

    Attributes:
        gates: by product, which of its inputs are gates.
    """

    gates: dict[int, frozenset[int]]


class _Walk:
    """One pass over a graph, with a rule for joins and one for reads."""

    def __init__(
        self,
        graph: Graph,
        facts: list[Facts],
        join_axis: JoinAxis,
        seen_reads: SeenReads,
        windowed: _Windowed | None = None,
        work: Work | None = None,
    ) -> None:
        self._graph = graph
        self._facts = facts
        self._join_axis = join_axis
        self._seen_reads = seen_reads
        self._windowed = windowed
        self._rank = axis_count(graph.input_shape) or FLAT_AXES
        self._nothing = ReceptiveField((_UNSEEN,) * self._rank, is_nothing=True)
        self._demand = Demand(graph, facts, seen_reads, self._rank)
        self._composer = Composer(self._demand.units, work)
        self._gaps = Gaps(self._demand.units)
        self._said: dict[int, tuple[bool, bool]] = {}
        """By the identity of reads, which the facts keep: whether the data move them, and whether they are unknown."""

    def fields(self) -> list[ReceptiveField]:
        """The field of every node.

        Raises:
            ConfigError: where fields are beyond any use, or would take too long.
        """
        fields: list[ReceptiveField] = []
        for node, fact in zip(self._graph.nodes, self._facts, strict=True):
            try:
                fields.append(self._field(node, fact, fields))
            except OverflowError as error:
                raise single_problem(f"'{node.path}': {error}", Code.TOO_LARGE, node.place) from None
        return fields

    def _field(self, node: Node, fact: Facts, fields: list[ReceptiveField]) -> ReceptiveField:
        if not node.inputs:
            return self._nothing if node.index else _input_field(node)
        if len(node.inputs) == 1:
            return self._through(fields[node.inputs[0]], fact.reads[0], node)
        return self._joined([fields[i] for i in node.inputs], fact, node)

    def _through(self, field: ReceptiveField, reads: AxisReads, node: Node) -> ReceptiveField:
        if field.is_nothing or node.layer.role == "source":
            return self._nothing
        if is_pointwise(reads):
            return field if reads is pointwise(len(reads)) or field.is_global else _with_context(field)
        said = self._said.get(id(reads))
        if said is None:
            said = self._said[id(reads)] = largest_reach(reads) > 0, is_unknown(reads)
        adaptive, unknown = field.adaptive or said[0], field.unknown or said[1]
        axes, apart = self._ways_through(field, self._seen_reads(reads), node)
        if axes is None:
            return self._nothing
        if (adaptive, unknown) == (field.adaptive, field.unknown) and all(map(is_, axes, field.axes)):
            return field  # behind a kernel of 1, so that there are few different ones
        return ReceptiveField(
            axes,
            misalignment=field.misalignment,
            context=field.context,
            adaptive=adaptive,
            unknown=unknown,
            apart=apart,
        )

    def _ways_through(
        self, field: ReceptiveField, reads: AxisReads, node: Node
    ) -> tuple[AxisFields | None, tuple[AxisFields, ...]]:
        """What is seen, if anything, and its ways, where they stay apart."""
        axes = self._axes_through(field.axes, reads, node)
        if not field.apart:
            return None if self._gaps.has_ended(axes, node.index) else axes, ()
        ways = [self._axes_through(way, reads, node) for way in field.apart]
        alive = [way for way in ways if not self._gaps.has_ended(way, node.index)]
        if not alive:
            return None, ()
        if len(alive) < len(ways):
            axes, _ = self._axes_joined(alive, node)
        return axes, self._apart(alive, node)

    def _apart(self, ways: list[AxisFields], node: Node) -> tuple[AxisFields, ...]:
        """Those that end together as one; () where that is all of them."""
        if not any(map(has_gaps, ways)):
            return ()
        alike: dict[object, list[AxisFields]] = {}
        for way in ways:
            alike.setdefault(pattern(way), []).append(way)
        if len(alike) == 1:
            return ()
        return tuple([some[0] if len(some) == 1 else self._axes_joined(some, node)[0] for some in alike.values()])

    def _axes_through(self, fields: AxisFields, reads: AxisReads, node: Node) -> AxisFields:
        """Axis by axis; one that is as the axis before it shares its field."""
        size = self._size(node)
        if size is None or not any(fields):
            return (None,) * len(fields)
        found: list[AxisField | None] = []
        for axis, (field, read, units) in enumerate(zip(fields, reads, size, strict=True)):
            alike = axis > 0 and read is reads[axis - 1] and field is fields[axis - 1] and units == size[axis - 1]
            if alike and self._holds_too(found[-1], node, axis):
                found.append(found[-1])
            else:
                found.append(self._composer.read_through(field, read, Target(node.index, axis, units)))
        return tuple(found)

    def _joined(self, inputs: list[ReceptiveField], fact: Facts, node: Node) -> ReceptiveField:
        """The union of what the inputs see that see anything, without gates."""
        pairs = enumerate(zip(inputs, fact.reads, strict=True))
        read = {number: self._through(field, reads, node) for number, (field, reads) in pairs if not field.is_nothing}
        if not read:
            return self._nothing
        windowed = self._windowed
        gates = _gates(node, inputs) if windowed is None else windowed.gates.get(node.index, frozenset())
        kept = [field for number, field in read.items() if number not in gates and not field.is_nothing]
        if not kept:
            return self._nothing
        axes, shifts = self._axes_joined([field.axes for field in kept], node)
        ways = [way for field in kept for way in field.apart or (field.axes,)]
        return ReceptiveField(
            axes,
            misalignment=_worst([*[f.misalignment for f in kept], _misalignment(node, shifts)]),
            apart=self._apart(ways, node) if self._join_axis is Composer.join else (),
            context=bool(gates) or any(f.context for f in read.values()),
            adaptive=any(f.adaptive for f in kept),
            unknown=any(f.unknown for f in kept),
        )

    def _axes_joined(self, fields: list[AxisFields], node: Node) -> tuple[AxisFields, list[Shift]]:
        """Axis by axis, and how far units lie apart; an axis that is as the one before it shares its field."""
        found: list[AxisField | None] = []
        apart: list[Shift] = []
        size = self._size(node)
        for axis, own in enumerate(zip(*fields, strict=True)):
            same = axis > 0 and (size is None or size[axis] == size[axis - 1])
            same = same and all(field is pair[axis - 1] for field, pair in zip(own, fields, strict=True))
            if same and self._holds_too(found[-1], node, axis):
                found.append(found[-1])
                apart.append(apart[-1])
            else:
                joined, shift = self._join(list(own), node, axis)
                found.append(joined)
                apart.append(shift)
        return tuple(found), apart

    def _join(self, fields: list[AxisField | None], node: Node, axis: int) -> tuple[AxisField | None, Shift]:
        known = [field for field in fields if field is not None]
        size = self._size(node)
        if size is None or not known or (len(known) < len(fields) and self._windowed is None):
            return None, ALIGNED
        return self._join_axis(self._composer, known, Target(node.index, axis, size[axis]))

    def _holds_too(self, field: AxisField | None, node: Node, axis: int) -> bool:
        """Whether a field for the axis before is one for this axis: a table lists the units asked for along its own."""
        if not isinstance(field, UnitTable):
            return True
        return self._demand.units(node.index, axis) == self._demand.units(node.index, axis - 1)

    def _size(self, node: Node) -> tuple[int, ...] | None:
        """The sizes of its axes, where they are the input's."""
        return size_along(node.shape, self._rank)


_UNSEEN = Periodic(1, 0, ((0, -1, DENSE),), 1)
"""The field of what sees nothing."""


def _input_field(node: Node) -> ReceptiveField:
    size = map_size(node.shape) if is_map(node.shape) else None
    if size is None:
        return ReceptiveField((None,) * FLAT_AXES)
    known = {units: INPUT_AXIS.over(units) for units in size}
    return ReceptiveField(tuple([known[units] for units in size]))


def _misalignment(node: Node, apart: list[Shift]) -> Misalignment | None:
    if not any(shift.largest for shift in apart):
        return None
    return Misalignment(node.path, tuple([s.largest for s in apart]), tuple([s.mean for s in apart]))


def _worst(found: list[Misalignment | None]) -> Misalignment | None:
    """The one with the largest distance along an axis; the first of several."""
    known = [one for one in found if one is not None]
    return max(known, key=lambda one: max(one.largest)) if known else None


def _with_context(field: ReceptiveField) -> ReceptiveField:
    return ReceptiveField(
        field.axes,
        misalignment=field.misalignment,
        context=True,
        adaptive=field.adaptive,
        unknown=field.unknown,
        apart=field.apart,
    )
