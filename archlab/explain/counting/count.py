"""What every counting tool prints for a network, term by term, without running any of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from archlab.analysis.result import Analysis
from archlab.explain.counting.quantities import QUANTITIES
from archlab.explain.counting.rules import TOOLS, Tool, class_name
from archlab.graph import Graph, Node
from archlab.layers.base import Layer, Shape

Group = Literal["conv, linear", "bias", "norm", "activation", "pooling", "other"]
GROUPS: tuple[Group, ...] = ("conv, linear", "bias", "norm", "activation", "pooling", "other")


@dataclass(frozen=True, slots=True)
class Term:
    """Coefficient times something counted, over all layers of a class."""

    group: Group
    layer: str
    """The class in `torch.nn`."""
    quantity: str
    coefficient: int
    counted: int

    @property
    def value(self) -> int:
        """What the term adds."""
        return self.coefficient * self.counted


@dataclass(frozen=True, slots=True)
class ToolCount:
    """What one tool prints."""

    tool: Tool
    terms: list[Term]

    @property
    def total(self) -> int:
        """The sum of the terms."""
        return sum(term.value for term in self.terms)

    def by_group(self) -> dict[Group, int]:
        """Sums for a table."""
        return {group: sum(term.value for term in self.terms if term.group == group) for group in GROUPS}


@dataclass(frozen=True, slots=True)
class Uncounted:
    """Layers in which archlab finds no arithmetic."""

    type: str
    layers: int
    elements: int
    why: str


@dataclass(frozen=True, slots=True)
class Counting:
    """The comparison of one network."""

    analysis: Analysis
    tools: list[ToolCount]
    own: dict[Group, int]
    """archlab's elementwise FLOPs by group; the multiply-accumulates apart."""
    bias: int
    uncounted: list[Uncounted]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        total = self.analysis.total
        return {
            "name": self.analysis.graph.name,
            "input": self.analysis.input_shape,
            "archlab": {"macs": total.macs, "flops": total.flops, "elementwise": self.own},
            "tools": [
                {
                    "name": row.tool.name,
                    "version": row.tool.version,
                    "unit": row.tool.unit,
                    "how": row.tool.how,
                    "source": row.tool.source,
                    "total": row.total,
                    "terms": [
                        {
                            "group": term.group,
                            "layer": term.layer,
                            "quantity": term.quantity,
                            "coefficient": term.coefficient,
                            "counted": term.counted,
                            "value": term.value,
                        }
                        for term in row.terms
                    ],
                }
                for row in self.tools
            ],
            "not_counted": {
                "bias_in_macs": self.bias,
                "layers": [
                    {"type": row.type, "layers": row.layers, "elements": row.elements, "why": row.why}
                    for row in self.uncounted
                ],
            },
        }


def count(analysis: Analysis) -> Counting:
    """What each tool prints, for the analysis' batch."""
    graph, batch = analysis.graph, analysis.batch
    own = dict.fromkeys(GROUPS, 0)
    bias = 0
    for node in graph.layers:
        inputs = graph.input_shapes(node)
        work = node.layer.elementwise(inputs, node.shape) * batch
        added = _quantity("bias", node, inputs) * batch if node.layer.counts_activations else 0
        bias += added
        own["bias"] += added
        own[layer_group(node.layer, inputs, node.shape)] += work - added
    return Counting(analysis, [_tool_count(tool, graph, batch) for tool in TOOLS], own, bias, _uncounted(graph, batch))


def _quantity(name: str, node: Node, inputs: tuple[Shape, ...]) -> int:
    return QUANTITIES[name][0](node.layer, inputs, node.shape)


def _tool_count(tool: Tool, graph: Graph, batch: int) -> ToolCount:
    counted: dict[tuple[Group, str, str, int], int] = {}
    for node in graph.layers:
        inputs = graph.input_shapes(node)
        for quantity, coefficient in tool.coefficients(node.layer, len(inputs)).items():
            group = "bias" if "bias" in quantity else layer_group(node.layer, inputs, node.shape)
            key = (group, class_name(node.layer), quantity, coefficient)
            counted[key] = counted.get(key, 0) + _quantity(quantity, node, inputs) * batch
    order = {group: place for place, group in enumerate(GROUPS)}
    terms = [Term(*key, number) for key, number in counted.items() if number]
    return ToolCount(tool, sorted(terms, key=lambda term: order[term.group]))


def layer_group(layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> Group:
    """The column of a table that a layer belongs to, from what it says about itself."""
    if layer.counts_activations:
        return "conv, linear"
    if layer.role == "norm":
        return "norm"
    if layer.role == "activation":
        return "activation"
    works = layer.elementwise(inputs, output) > 0
    return "pooling" if works and layer.role == "layer" and prod(output) <= prod(inputs[0]) else "other"


_WHY = {
    "new": "moves data, computes nothing",
    "view": "a view: not even data moves",
    "inplace": "computes nothing",
    "eval_identity": "does nothing in eval mode",
}


def _uncounted(graph: Graph, batch: int) -> list[Uncounted]:
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for node in graph.layers:
        inputs = graph.input_shapes(node)
        if node.layer.macs(inputs, node.shape) == 0 and node.layer.elementwise(inputs, node.shape) == 0:
            key = (node.layer.type, _WHY[node.layer.storage])
            layers, elements = found.get(key, (0, 0))
            found[key] = (layers + 1, elements + prod(node.shape) * batch)
    return [Uncounted(name, layers, elements, why) for (name, why), (layers, elements) in found.items()]
