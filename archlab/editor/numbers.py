"""Numbers of a network's layers that add up over stretches of them, also of a network that is not complete."""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

from archlab.analysis.facts import collect_facts
from archlab.analysis.receptive_field.fields import ReceptiveField, receptive_fields
from archlab.api.analysis import Analysis
from archlab.diagnostics.problem import ConfigError
from archlab.graph import Graph, Node


class Numbers(NamedTuple):
    """Of the layers in the order of a walk.

    Attributes:
        nodes: the layers.
        params: of all in front of each, and behind the last of all.
        macs: the same.
        fields: what a unit of each sees; empty where that is not known.
    """

    nodes: list[Node]
    params: list[int]
    macs: list[int]
    fields: list[ReceptiveField | None]

    def between(self, start: int, stop: int) -> tuple[int, int]:
        """Params and MACs of a stretch."""
        return self.params[stop] - self.params[start], self.macs[stop] - self.macs[start]


def numbers_of(nodes: list[Node], analysis: Analysis | None) -> Numbers:
    """The numbers of a walk's layers.

    Args:
        nodes: as far as the walk came.
        analysis: of the whole network, where it is whole. What is pruned from it counts nothing.
    """
    if analysis is None:
        return _of_part(nodes)
    known = {layer.node.path: layer for layer in analysis.layers}
    layers = [known.get(node.path) for node in nodes]
    return Numbers(
        nodes,
        _summed([0 if layer is None else layer.params for layer in layers]),
        _summed([0 if layer is None else layer.macs for layer in layers]),
        [None if layer is None else layer.receptive_field for layer in layers],
    )


def _of_part(nodes: list[Node]) -> Numbers:
    """Of the first layers of a network."""
    if not nodes:
        return Numbers([], [0], [0], [])
    graph = Graph("", nodes, [("output", len(nodes) - 1)])
    try:
        facts = collect_facts(graph)
        fields: list[ReceptiveField | None] = [*receptive_fields(graph, facts)]
    except ConfigError:  # what they read takes too long to be worked out
        return Numbers(nodes, [0] * (len(nodes) + 1), [0] * (len(nodes) + 1), [None] * len(nodes))
    return Numbers(nodes, _summed([fact.params for fact in facts]), _summed([fact.macs for fact in facts]), fields)


def _summed(values: list[int]) -> list[int]:
    return list(accumulate(values, initial=0))
