"""Layers that see more than the whole input before they begin.

Richter et al. 2021, "Should You Go Deeper? Optimizing Convolutional Neural Network Architectures without
Training by Receptive Field Analysis": a convolution whose *input* units already see the whole image cannot
put together anything new from its window.

* critical: along some path to the layer the field is already at least as large as the image;
* unproductive: along every path it is. The first such layer is the border layer.
"""

from __future__ import annotations

from typing import Literal

from archlab.analysis.facts import Facts
from archlab.analysis.receptive_field.fields import ReceptiveField, narrowest_fields
from archlab.graph import Graph, Node
from archlab.layers.geometry import AxisReads, Window
from archlab.layers.shape import is_map

Productivity = Literal["productive", "critical", "unproductive"]


def productivity(graph: Graph, facts: list[Facts], fields: list[ReceptiveField]) -> dict[int, Productivity]:
    """For each node that looks at more than one position: whether its window can add anything.

    Args:
        graph: the network; its input must be a map, or the result is empty.
        facts: of its nodes.
        fields: the unions over all paths.
    """
    if not is_map(graph.input_shape):
        return {}
    narrow = narrowest_fields(graph, facts)
    extents = graph.input_shape[1:]
    found: dict[int, Productivity] = {}
    for node in graph.layers:
        if fields[node.index].is_nothing:
            continue
        if node.layer.role == "weighted" and _looks_around(facts[node.index].reads[0]):
            found[node.index] = _judge(node, narrow, fields, extents)
    return found


def _looks_around(reads: AxisReads) -> bool:
    return any(isinstance(axis, Window) and axis.kernel > 1 for axis in reads)


def _judge(
    node: Node, narrow: list[ReceptiveField], fields: list[ReceptiveField], extents: tuple[int, ...]
) -> Productivity:
    source = node.inputs[0]
    if _sees_all(narrow[source], extents):
        return "unproductive"
    return "critical" if _sees_all(fields[source], extents) else "productive"


def _sees_all(field: ReceptiveField, extents: tuple[int, ...]) -> bool:
    """Whether the largest span is at least as long as the image on both axes."""
    return not field.unknown and all(
        axis is None or axis.sizes[-1] >= extent for axis, extent in zip(field.axes, extents, strict=True)
    )


def border_layer(judged: dict[int, Productivity]) -> int | None:
    """The first unproductive layer, if there is one."""
    return next((index for index, word in judged.items() if word == "unproductive"), None)
