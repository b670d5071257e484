"""Receptive field of every node: which part of the input a unit sees, exact for any acyclic graph.

Each layer says which units it reads (`layers.geometry`); composing these sets along the graph, and taking
the union at joins, gives the field per axis. Fields are theoretical: they reach into the padding and do
not end at the border of the input. For networks without branches this is the recurrence of Araujo,
Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill, 2019).
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import NamedTuple

from archlab.analysis.facts import Facts
from archlab.analysis.spans import INPUT_AXIS, AxisField, gathering_work, join, narrowest, read_through, widen
from archlab.config.problem import single_problem
from archlab.graph import Graph, Node
from archlab.layers.base import is_map, is_square, map_size
from archlab.layers.geometry import POINTWISE, AxisPair, Reads

MAX_WORK = 2_000_000
"""Bound on the work for units that differ from one another, in steps of about a microsecond."""

Join = Callable[[list[AxisField], int], tuple[AxisField, bool]]
"""The field of several maps of a size, and whether they are aligned."""
SeenReads = Callable[[Node, AxisPair], AxisPair]
"""What a node reads, in the sense of the analysis at hand."""


class ReceptiveField:
    """What one unit of a node sees.

    Attributes:
        height: along the height; None if every unit sees the whole axis.
        width: along the width, likewise.
        aligned: whether at every join on the way the joined units were centred on one position.
        context: whether a gate (squeeze-excitation, say) sees more than the field.
        adaptive: whether a layer on the way chooses its positions from the data.
    """

    __slots__ = ("adaptive", "aligned", "context", "height", "width")

    def __init__(
        self,
        height: AxisField | None,
        width: AxisField | None,
        *,
        aligned: bool = True,
        context: bool = False,
        adaptive: bool = False,
    ) -> None:
        self.height = height
        self.width = width
        self.aligned = aligned
        self.context = context
        self.adaptive = adaptive

    @property
    def axes(self) -> tuple[AxisField | None, AxisField | None]:
        """Height and width."""
        return self.height, self.width

    @property
    def is_global(self) -> bool:
        """Whether every unit sees the whole input."""
        return self.height is None and self.width is None


def receptive_fields(graph: Graph, facts: list[Facts]) -> list[ReceptiveField]:
    """The field of every node, in order: the union over all paths from the input."""
    return _Walk(join, _as_they_are).fields(graph, facts)


def narrowest_fields(graph: Graph, facts: list[Facts]) -> list[ReceptiveField]:
    """For every node, the field along the path that sees least."""
    return _Walk(narrowest, _as_they_are).fields(graph, facts)


def bounded_fields(graph: Graph, facts: list[Facts]) -> list[ReceptiveField] | None:
    """The fields at the largest offsets that adaptive layers may choose; None if one has no bound.

    Offsets end between positions, where the two around them are read.
    """
    adaptive = [node.layer for node in graph.layers if not node.layer.exact_reads]
    if any(layer.offset_bound is None for layer in adaptive):
        return None

    def reach(node: Node, reads: AxisPair) -> AxisPair:
        bound = node.layer.offset_bound
        if node.layer.exact_reads or bound is None:
            return reads
        return widen(reads[0], ceil(bound)), widen(reads[1], ceil(bound))

    return _Walk(join, reach).fields(graph, facts)


def _as_they_are(_node: Node, reads: AxisPair) -> AxisPair:
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
    return _Walk(join, _as_they_are, _Windowed(gate_inputs(graph, fields))).fields(graph, facts)


def gate_inputs(graph: Graph, fields: list[ReceptiveField]) -> dict[int, frozenset[int]]:
    """By product: which of its inputs are gates that see everything, beside others that do not.

    What those see is context, not field.
    """
    found = {node.index: _gates(node, [fields[i] for i in node.inputs]) for node in graph.layers}
    return {index: numbers for index, numbers in found.items() if numbers}


def _gates(node: Node, inputs: list[ReceptiveField]) -> frozenset[int]:
    if not node.layer.gates:
        return frozenset()
    whole = frozenset([number for number, field in enumerate(inputs) if field.is_global])
    return whole if len(whole) < len(inputs) else frozenset()


class _Windowed(NamedTuple):
    """That joins leave out what is global.

    Attributes:
        gates: by product, which of its inputs are gates.
    """

    gates: dict[int, frozenset[int]]


class _Walk:
    """One pass over a graph, with a rule for joins and one for reads."""

    def __init__(self, join_axis: Join, seen_reads: SeenReads, windowed: _Windowed | None = None) -> None:
        self._join = join_axis
        self._seen_reads = seen_reads
        self._windowed = windowed
        self._work = 0

    def fields(self, graph: Graph, facts: list[Facts]) -> list[ReceptiveField]:
        """The field of every node.

        Raises:
            ConfigError: where fields are beyond any use, or would take too long.
        """
        fields: list[ReceptiveField] = []
        for node, fact in zip(graph.nodes, facts, strict=True):
            try:
                fields.append(self._field(node, fact, fields))
            except OverflowError as error:
                raise single_problem(f"'{node.path}': {error}", "too-large", node.place) from None
        return fields

    def _field(self, node: Node, fact: Facts, fields: list[ReceptiveField]) -> ReceptiveField:
        if not node.inputs:
            axis = INPUT_AXIS if is_map(node.shape) else None
            return ReceptiveField(axis, axis)
        if len(node.inputs) == 1:
            return self._through(fields[node.inputs[0]], fact.reads[0], node)
        return self._joined([fields[i] for i in node.inputs], fact, node)

    def _read(self, field: AxisField | None, reads: Reads, size: int) -> AxisField | None:
        """`read_through`, with its work counted."""
        read = None
        if field is not None:
            self._work += gathering_work(field, reads, size)
            if self._work > MAX_WORK:
                raise OverflowError("its receptive field has too many different units to be worked out")
            read = read_through(field, reads, size)
        return read

    def _through(self, field: ReceptiveField, reads: AxisPair, node: Node) -> ReceptiveField:
        if reads is POINTWISE:
            return _with_context(field) if node.layer.sees_whole_map and not field.is_global else field
        reads = self._seen_reads(node, reads)
        height = width = None
        size = map_size(node.shape)
        if size is not None:
            height = self._read(field.height, reads[0], size[0])
            same = reads[0] is reads[1] and field.height is field.width and size[0] == size[1]
            width = height if same else self._read(field.width, reads[1], size[1])
        return ReceptiveField(
            height,
            width,
            aligned=field.aligned,
            context=field.context,
            adaptive=field.adaptive or not node.layer.exact_reads,
        )

    def _joined(self, inputs: list[ReceptiveField], fact: Facts, node: Node) -> ReceptiveField:
        read = [self._through(field, reads, node) for field, reads in zip(inputs, fact.reads, strict=True)]
        context = any(field.context for field in read)
        windowed = self._windowed
        gates = _gates(node, inputs) if windowed is None else windowed.gates.get(node.index, frozenset())
        if gates:
            read = [field for number, field in enumerate(read) if number not in gates]
            context = True
        height, aligned_height = self._join_axis([f.height for f in read], node, 0)
        if all(f.height is f.width for f in read) and is_square(node.shape):
            width, aligned_width = height, aligned_height
        else:
            width, aligned_width = self._join_axis([f.width for f in read], node, 1)
        return ReceptiveField(
            height,
            width,
            aligned=aligned_height and aligned_width and all(f.aligned for f in read),
            context=context,
            adaptive=any(f.adaptive for f in read) or not node.layer.exact_reads,
        )

    def _join_axis(self, fields: list[AxisField | None], node: Node, axis: int) -> tuple[AxisField | None, bool]:
        known = [field for field in fields if field is not None]
        size = map_size(node.shape)
        if size is None or not known or (len(known) < len(fields) and self._windowed is None):
            return None, True
        return self._join(known, size[axis])


def _with_context(field: ReceptiveField) -> ReceptiveField:
    return ReceptiveField(field.height, field.width, aligned=field.aligned, context=True, adaptive=field.adaptive)
