"""What one unit of each result sees.

A result that is a map answers for itself, also where each of its units sees everything. One without positions (flat,
or a single position behind a global pooling) is answered for by the last map with a spatial field on the way to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from archlab.analysis.facts import Facts
from archlab.analysis.receptive_field.fields import ReceptiveField, windowed_fields
from archlab.diagnostics.problem import ConfigError
from archlab.graph import Graph, Node
from archlab.layers.shape import Shape, map_size


@dataclass(slots=True)
class OutputReport:
    """A result of a network and what one of its units sees.

    Attributes:
        label: its name.
        node: whose value it is.
        seen_at: the node whose field stands for it: itself, or the last map on the way to it.
        receptive_field: of that node.
        largest_finite: where that is global along an axis, the union over those paths that no layer makes global; if
            there are none along either axis, the field of the last map on the way. Else the field itself.
        finite_at: the node of `largest_finite`.
    """

    label: str
    node: Node
    seen_at: Node
    receptive_field: ReceptiveField
    largest_finite: ReceptiveField
    finite_at: Node


def output_reports(graph: Graph, facts: list[Facts], fields: list[ReceptiveField]) -> list[OutputReport]:
    """One for each result, in the order in which they are returned."""
    last = last_spatial(graph, fields)
    seen = [seen_at(graph.nodes[index], last) for _, index in graph.outputs]
    windowed = None
    if any(None in fields[index].axes for index in seen):
        windowed = _windowed_or_none(graph, facts, fields)
    reports: list[OutputReport] = []
    for (label, index), at in zip(graph.outputs, seen, strict=True):
        finite, finite_at = fields[at], at
        if None in finite.axes:
            if windowed is not None and any(windowed[at].axes):
                finite = windowed[at]
            else:
                before = last[index]
                finite_at = at if before is None else before
                finite = fields[finite_at]
        nodes = graph.nodes
        reports.append(OutputReport(label, nodes[index], nodes[at], fields[at], finite, nodes[finite_at]))
    return reports


def _windowed_or_none(graph: Graph, facts: list[Facts], fields: list[ReceptiveField]) -> list[ReceptiveField] | None:
    """None where they would take too long."""
    try:
        return windowed_fields(graph, facts, fields)
    except ConfigError:
        return None


def seen_at(node: Node, last: list[int | None]) -> int:
    """Index of the node whose field stands for a result.

    Args:
        node: whose value is the result.
        last: see `last_spatial`.
    """
    index = last[node.index]
    return node.index if index is None or _has_positions(node.shape) else index


def _has_positions(shape: Shape) -> bool:
    size = map_size(shape)
    return size is not None and max(size) > 1


def last_spatial(graph: Graph, fields: list[ReceptiveField]) -> list[int | None]:
    """For every node, the last map with a spatial field on the way to it, itself included; None where there is none.

    What is not known stands for itself, lest a smaller field be taken for what is seen. Where several ways end in maps
    of their own, it is the one that sees most; of equals the later.
    """
    last: list[int | None] = []
    for node in graph.nodes:
        if any(fields[node.index].axes) or fields[node.index].unknown:
            last.append(node.index)
            continue
        found = [index for index in [last[source] for source in node.inputs] if index is not None]
        last.append(max(found, key=lambda index: (_reach(fields[index]), index), default=None))
    return last


def _reach(field: ReceptiveField) -> tuple[int, float]:
    """Orders fields by how much they see: axes seen whole first, then the area of the largest size."""
    known = [axis.sizes[-1] for axis in field.axes if axis is not None]
    area = 1
    for size in known:
        area *= size
    return len(field.axes) - len(known), area
