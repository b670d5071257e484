"""What every counting tool prints for a network, term by term, without running any of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from archlab.analysis.result import Analysis
from archlab.explain.counting.quantities import ONCE, QUANTITIES
from archlab.explain.counting.rules import TOOLS, Coefficients, Tool, class_name, variants
from archlab.graph import Graph
from archlab.layers.base import Layer
from archlab.layers.shape import Shape

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
        unseen = {} if total.opaque is None else {"opaque_layers": total.opaque.layers}
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
                **unseen,
                "bias_in_macs": self.bias,
                "layers": [
                    {"type": row.type, "layers": row.layers, "elements": row.elements, "why": row.why}
                    for row in self.uncounted
                ],
            },
        }


class _Kind:
    """Layers with equal options and input shapes: their numbers are asked for once.

    Attributes:
        layer: one of them.
        inputs: shapes.
        output: shape.
        count: how many there are.
        group: the column that they belong to.
        words: what decides between a tool's rules.
    """

    __slots__ = ("_quantities", "count", "group", "inputs", "layer", "output", "words")

    def __init__(self, layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> None:
        self.layer = layer
        self.inputs = inputs
        self.output = output
        self.count = 0
        self.group = layer_group(layer, inputs, output)
        self.words = (class_name(layer), *variants(layer, inputs))
        self._quantities: dict[str, int] = {}

    def quantity(self, name: str) -> int:
        """Of all layers of the kind, for one sample."""
        if name not in self._quantities:
            self._quantities[name] = QUANTITIES[name][0](self.layer, self.inputs, self.output) * self.count
        return self._quantities[name]


def _kinds(graph: Graph) -> list[_Kind]:
    """In the order in which they first occur."""
    found: dict[tuple[int, tuple[Shape, ...]], _Kind] = {}
    for node in graph.nodes[len(graph.inputs) :]:
        inputs = graph.input_shapes(node)
        kind = found.get((id(node.layer), inputs))
        if kind is None:
            kind = found[id(node.layer), inputs] = _Kind(node.layer, inputs, node.shape)
        kind.count += 1
    return list(found.values())


def count(analysis: Analysis) -> Counting:
    """What each tool prints, for the analysis' batch."""
    batch = analysis.batch
    kinds = _kinds(analysis.graph)
    own = dict.fromkeys(GROUPS, 0)
    bias = 0
    for kind in kinds:
        work = kind.layer.cost(kind.inputs, kind.output).elementwise * kind.count * batch
        added = kind.quantity("bias") * batch if kind.layer.role == "weighted" else 0
        bias += added
        own["bias"] += added
        own[kind.group] += work - added
    return Counting(analysis, [_tool_count(tool, kinds, batch) for tool in TOOLS], own, bias, _uncounted(kinds, batch))


def _tool_count(tool: Tool, kinds: list[_Kind], batch: int) -> ToolCount:
    counted: dict[tuple[Group, str, str, int], int] = {}
    rules: dict[tuple[str, ...], Coefficients] = {}
    for kind in kinds:
        if kind.words not in rules:
            rules[kind.words] = tool.coefficients(kind.layer, kind.inputs)
        for quantity, coefficient in rules[kind.words].items():
            group = "bias" if "bias" in quantity else kind.group
            key = (group, kind.words[0], quantity, coefficient)
            samples = 1 if quantity in ONCE else batch
            counted[key] = counted.get(key, 0) + kind.quantity(quantity) * samples
    order = {group: place for place, group in enumerate(GROUPS)}
    terms = [Term(*key, number) for key, number in counted.items() if number]
    return ToolCount(tool, sorted(terms, key=lambda term: order[term.group]))


def layer_group(layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> Group:
    """The column of a table that a layer belongs to, from what it says about itself."""
    if layer.role == "weighted":
        return "conv, linear"
    if layer.role == "norm":
        return "norm"
    if layer.role == "activation":
        return "activation"
    works = layer.cost(inputs, output).elementwise > 0
    return "pooling" if works and layer.role == "layer" and prod(output) <= prod(inputs[0]) else "other"


_WHY = {
    "new": "moves data, computes nothing",
    "view": "a view: not even data moves",
    "inplace": "computes nothing",
    "eval_identity": "does nothing in eval mode",
}


def _uncounted(kinds: list[_Kind], batch: int) -> list[Uncounted]:
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for kind in kinds:
        layer = kind.layer
        if layer.role != "opaque" and not any(layer.cost(kind.inputs, kind.output)):
            key = (layer.type, _WHY[layer.runtime(kind.inputs, kind.output).storage])
            layers, elements = found.get(key, (0, 0))
            found[key] = (layers + kind.count, elements + prod(kind.output) * kind.count * batch)
    return [Uncounted(name, layers, elements, why) for (name, why), (layers, elements) in found.items()]
