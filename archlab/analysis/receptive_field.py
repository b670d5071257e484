"""Receptive field of every node: which part of the input a unit sees, exact for any acyclic graph.

Each layer says which units it reads (`layers.geometry`); composing these sets along the graph, and taking
the union at joins, gives the field per axis. Fields are theoretical: they reach into the padding and do
not end at the border of the input. For networks without branches this is the recurrence of Araujo,
Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill, 2019).
"""

from __future__ import annotations

from archlab.analysis.facts import Facts
from archlab.analysis.spans import INPUT_AXIS, AxisField, join, read_through
from archlab.graph import Graph, Node
from archlab.layers.base import is_map
from archlab.layers.geometry import POINTWISE, AxisPair


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
    """The field of every node, in order."""
    fields: list[ReceptiveField] = []
    for node, fact in zip(graph.nodes, facts, strict=True):
        if not node.inputs:
            axis = INPUT_AXIS if is_map(node.shape) else None
            fields.append(ReceptiveField(axis, axis))
        elif len(node.inputs) == 1:
            fields.append(_through(fields[node.inputs[0]], fact.reads[0], node))
        else:
            fields.append(_joined([fields[i] for i in node.inputs], fact, node))
    return fields


def _through(field: ReceptiveField, reads: AxisPair, node: Node) -> ReceptiveField:
    if reads is POINTWISE:
        return field
    height = width = None
    if is_map(node.shape):
        height = read_through(field.height, reads[0], node.shape[1])
        same = reads[0] is reads[1] and field.height is field.width and node.shape[1] == node.shape[2]
        width = height if same else read_through(field.width, reads[1], node.shape[2])
    return ReceptiveField(
        height,
        width,
        aligned=field.aligned,
        context=field.context,
        adaptive=field.adaptive or not node.layer.exact_reads,
    )


def _joined(inputs: list[ReceptiveField], fact: Facts, node: Node) -> ReceptiveField:
    read = [_through(field, reads, node) for field, reads in zip(inputs, fact.reads, strict=True)]
    context = any(field.context for field in read)
    if node.layer.gates and any(f.is_global for f in read) and not all(f.is_global for f in read):
        read = [field for field in read if not field.is_global]
        context = True
    height, aligned_height = _join_axis([f.height for f in read], node, 1)
    if all(f.height is f.width for f in read) and node.shape[1:2] == node.shape[2:3]:
        width, aligned_width = height, aligned_height
    else:
        width, aligned_width = _join_axis([f.width for f in read], node, 2)
    return ReceptiveField(
        height,
        width,
        aligned=aligned_height and aligned_width and all(f.aligned for f in read),
        context=context,
        adaptive=any(f.adaptive for f in read),
    )


def _join_axis(fields: list[AxisField | None], node: Node, axis: int) -> tuple[AxisField | None, bool]:
    known = [field for field in fields if field is not None]
    if len(known) < len(fields):
        return None, True
    return join(known, node.shape[axis])


def last_spatial(fields: list[ReceptiveField]) -> int:
    """The last node that still has a spatial field (before global pooling and the head); 0, the input, if none."""
    for index in range(len(fields) - 1, 0, -1):
        if not fields[index].is_global:
            return index
    return 0
