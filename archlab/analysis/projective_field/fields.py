"""Projective field of every node: which units of its map one position of the input reaches, exact at the borders.

The receptive field the other way round (where one unit looks, one position is looked at): layers' reads are turned
round and composed from the input on, and joins unite. What a gate sees is context, as in receptive fields. These
units are really reached: unlike a receptive field, which goes on into the padding, a projective field ends with the
map, padding that repeats values of the map counts, and a position may reach nothing at all.
"""

from __future__ import annotations

from archlab.analysis.facts import Facts
from archlab.analysis.projective_field.axis_projection import AxisProjection, input_axis, nowhere
from archlab.analysis.projective_field.composition import Projector
from archlab.analysis.receptive_field.fields import ReceptiveField, gate_inputs
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.graph import Graph, Node
from archlab.layers.geometry import WHOLE, AxisReads, Reads, is_pointwise
from archlab.layers.shape import map_size, size_along

Projections = tuple[AxisProjection, ...]
"""Along each axis of the input; a flat value is one unit along each of them."""


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
        self._others: dict[int, Projections] = {}
        """Of maps with other axes than the input, by node: the units along their own axes that anything of it reaches,
        as if it were one position."""

    def fields(self) -> list[Projections]:
        found: list[Projections] = []
        for node, fact in zip(self._graph.nodes, self._facts, strict=True):
            try:
                found.append(self._field(node, fact, found))
                found[-1] = self._in_other_axes(node, fact, found)
            except OverflowError as error:
                raise single_problem(f"'{node.path}': {error}", Code.TOO_LARGE, node.place) from None
        return found

    def _field(self, node: Node, fact: Facts, found: list[Projections]) -> Projections:
        if node.index == 0:
            known = {units: input_axis(units) for units in node.shape[1:]}
            return tuple([known[units] for units in node.shape[1:]])
        if node.index in self._blind:
            pairs = zip(found[0], self._units(node), strict=True)
            return tuple([nowhere(projection, units) for projection, units in pairs])
        if len(node.inputs) == 1:
            return self._through(node, node.inputs[0], fact.reads[0], found)
        gates = self._gates.get(node.index, frozenset[int]())
        reading = enumerate(zip(node.inputs, fact.reads, strict=True))
        seeing = [pair for number, pair in reading if number not in gates and pair[0] not in self._blind]
        ways = [self._through(node, at, reads, found) for at, reads in seeing]
        ways = [way for way in ways if not way[:1] or not way[0].is_empty] or ways[:1]
        if len(ways) == 1:
            return ways[0]
        joined: list[AxisProjection] = []
        for axis, own in enumerate(zip(*ways, strict=True)):
            if axis and all(one is way[axis - 1] for one, way in zip(own, ways, strict=True)):
                joined.append(joined[-1])
            else:
                joined.append(self._projector.join(own))
        return tuple(joined)

    def _through(self, node: Node, source: int, reads: AxisReads, found: list[Projections]) -> Projections:
        """Axis by axis; one that is as the axis before it shares its projection."""
        before, size = found[source], self._sizes[node.index]
        is_flat = self._sizes[source] is None
        if (size is None and is_flat) or (size is not None and not is_flat and is_pointwise(reads)):
            return before
        along: tuple[Reads, ...] = (WHOLE,) * len(before) if size is None or is_flat else reads
        units = self._units(node)
        made: list[AxisProjection] = []
        for axis, (one, read, count) in enumerate(zip(before, along, units, strict=True)):
            if axis and read == along[axis - 1] and one is before[axis - 1] and count == units[axis - 1]:
                made.append(made[-1])
            else:
                made.append(self._projector.through(one, read, count))
        if any(one.is_empty for one in made):  # what reaches nothing along one axis reaches nothing
            return tuple([nowhere(one, one.units) for one in made])
        return tuple(made)

    def _in_other_axes(self, node: Node, fact: Facts, found: list[Projections]) -> Projections:
        """The same of a map with other axes: nowhere, where all of its units that anything reaches are left out."""
        own, size = found[node.index], map_size(node.shape)
        if size is None or self._sizes[node.index] is not None or any(one.is_empty for one in own):
            return own
        gates = self._gates.get(node.index, frozenset[int]())
        ways: list[Projections] = []
        for number, (source, reads) in enumerate(zip(node.inputs, fact.reads, strict=True)):
            if number not in gates and not any(one.is_empty for one in found[source]):
                before = self._others.get(source, ())
                known = len(before) == len(size)
                pairs = zip(before, reads, strict=True) if known else [(input_axis(1), WHOLE)] * len(size)
                ways.append(
                    tuple([self._projector.through(*pair, units) for pair, units in zip(pairs, size, strict=True)])
                )
        alive = [way for way in ways if not any(one.is_empty for one in way)]
        if not alive:
            return tuple([nowhere(one, one.units) for one in own])
        self._others[node.index] = tuple([self._projector.join(along) for along in zip(*alive, strict=True)])
        return own

    def _units(self, node: Node) -> tuple[int, ...]:
        """Along each axis of the input."""
        return self._sizes[node.index] or (1,) * (len(self._graph.input_shape) - 1)
