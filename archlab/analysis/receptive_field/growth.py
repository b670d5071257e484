"""How the effective field grows along a network."""

from __future__ import annotations

from collections.abc import Iterator

from archlab.analysis.facts import collect_facts
from archlab.analysis.receptive_field.effective import EffectiveField, effective_field
from archlab.analysis.receptive_field.fields import receptive_fields
from archlab.graph import Graph
from archlab.layers.shape import Shape, map_size

MOST_ESTIMATES = 200
"""Layers whose effective field is estimated for a picture of its growth, evenly spaced."""


def effective_growth(graph: Graph) -> Iterator[tuple[int, EffectiveField]]:
    """Index and estimate for the central unit of layers along the network, where their field is spatial."""
    facts = collect_facts(graph)
    fields = receptive_fields(graph, facts)
    spatial = [node for node in graph.layers if not fields[node.index].is_global and map_size(node.shape)]
    most = MOST_ESTIMATES if len(graph.nodes) < 2000 else MOST_ESTIMATES // 10
    step = max(1, -(-len(spatial) // most))
    for node in reversed(spatial[::-1][::step]):
        found = effective_field(graph, facts, fields, node.index, middle_unit(node.shape))
        if found is not None:
            yield node.index, found


def middle_unit(shape: Shape) -> tuple[int, int]:
    """Row and column of the unit in the middle of a map; of a flat value, the first."""
    height, width = map_size(shape) or (1, 1)
    return height // 2, width // 2
