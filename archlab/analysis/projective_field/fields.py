"""Projective field of every node: which units of its map one position of the input reaches, exact at the borders.

The receptive field the other way round (where one unit looks, one position is looked at): layers' reads are turned
round and composed from the input on, and joins unite. What a gate sees is context, as in receptive fields. These
units are really reached: unlike a receptive field, which goes on into the padding, a projective field ends with the
map, padding that repeats values of the map counts, and a position may reach nothing at all.
"""

from __future__ import annotations

from collections.abc import Sequence

from archlab.analysis.facts import Facts
from archlab.analysis.projective_field.axis_projection import AxisProjection, input_axis, nowhere
from archlab.analysis.projective_field.composition import Projector
from archlab.analysis.projective_field.ways import Projections, Way, same, together, united
from archlab.analysis.receptive_field.fields import ReceptiveField, gate_inputs
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.graph import Graph, Node
from archlab.layers.geometry import WHOLE, AxisReads, Reads, is_pointwise
from archlab.layers.shape import map_size, size_along


def projective_fields(graph: Graph, facts: list[Facts], fields: list[ReceptiveField]) -> list[Projections]:
    """Of every node, in order.

    Args:
        graph: the network; its input must be a map, or there are no axes.
        facts: of its nodes.
        fields: its receptive fields, which decide what is a gate.

    Raises:
        ConfigError: where it would take too long.
    """
    return _Walk(graph, facts, fields).fields()


class _Walk:
    """One pass over a graph."""

    def __init__(self, graph: Graph, facts: list[Facts], fields: list[ReceptiveField]) -> None:
        self._graph = graph
        self._facts = facts
        self._blind = frozenset([index for index, field in enumerate(fields) if field.is_nothing])
        self._gates = gate_inputs(graph, fields)
        self._projector = Projector()
        self._sizes = [size_along(node.shape, len(graph.input_shape) - 1) for node in graph.nodes]
        self._ways: list[list[Way]] = []
        """By node: those that reach any of its units."""

    def fields(self) -> list[Projections]:
        found: list[Projections] = []
        for node, fact in zip(self._graph.nodes, self._facts, strict=True):
            try:
                self._ways.append(self._to(node, fact))
                found.append(self._united(node, found))
            except OverflowError as error:
                raise single_problem(f"'{node.path}': {error}", Code.TOO_LARGE, node.place) from None
        return found

    def _to(self, node: Node, fact: Facts) -> list[Way]:
        """The ways to a node."""
        if node.index == 0:
            known = {units: input_axis(units) for units in node.shape[1:]}
            return [Way(tuple([known[units] for units in node.shape[1:]]))]
        if node.index in self._blind:
            return []
        if self._passes_on(node, fact):
            return self._ways[node.inputs[0]]
        gates = self._gates.get(node.index, _NO_GATES)
        ways: list[Way] = []
        for number, (source, reads) in enumerate(zip(node.inputs, fact.reads, strict=True)):
            if number in gates:
                continue
            for way in self._ways[source]:
                onward = self._through(node, source, reads, way)
                if onward is way or not onward.has_ended:  # none that has ended is kept
                    ways.append(onward)
        return together(ways, self._projector)

    def _passes_on(self, node: Node, fact: Facts) -> bool:
        """Whether every way to its one input goes on as it is: so it is with most layers."""
        if len(node.inputs) > 1 or node.index in self._gates:
            return False
        sizes = self._sizes[node.index], self._sizes[node.inputs[0]]
        return None not in sizes and is_pointwise(fact.reads[0])

    def _through(self, node: Node, source: int, reads: AxisReads, way: Way) -> Way:
        size = self._sizes[node.index]
        is_flat = self._sizes[source] is None
        if size is not None:
            if not is_flat and is_pointwise(reads):
                return way
            return Way(self._along(way.along, (WHOLE,) * len(size) if is_flat else reads, size))
        own = map_size(node.shape)
        along = way.along if is_flat else self._along(way.along, (WHOLE,) * len(way.along), (1,) * len(way.along))
        if own is None:
            return way if along is way.along and not way.others else Way(along)
        known = way.others if len(way.others) == len(own) else ()
        return Way(along, self._along(known or (_ONE,) * len(own), reads if known else (WHOLE,) * len(own), own))

    def _along(self, before: Projections, reads: Sequence[Reads], units: tuple[int, ...]) -> Projections:
        """Axis by axis; one that is as the axis before it shares its projection."""
        made: list[AxisProjection] = []
        for axis, (one, read, count) in enumerate(zip(before, reads, units, strict=True)):
            if axis and read == reads[axis - 1] and one is before[axis - 1] and count == units[axis - 1]:
                made.append(made[-1])
            else:
                made.append(self._projector.through(one, read, count))
        return tuple(made)

    def _united(self, node: Node, found: list[Projections]) -> Projections:
        """What any way to a node reaches; that of its input where no way changes."""
        ways = self._ways[node.index]
        if len(node.inputs) == 1 and same(ways, self._ways[node.inputs[0]]):
            return found[node.inputs[0]]
        if not ways:
            units = self._sizes[node.index] or (1,) * (len(self._graph.input_shape) - 1)
            return tuple([nowhere(projection, count) for projection, count in zip(found[0], units, strict=True)])
        return united([way.along for way in ways], self._projector)


_NO_GATES = frozenset[int]()
_ONE = input_axis(1)
"""Units along other axes than the input's, as if it were one position."""
