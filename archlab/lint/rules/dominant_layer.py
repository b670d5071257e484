"""One layer that has most of the parameters."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from archlab.diagnostics.codes import RuleName
from archlab.graph import Graph, Node
from archlab.lint.rule import Finding, Rule, Subject, at

MOST_SHARE = 0.5
LEAST_LAYERS = 4
"""Weighted layers, below which one of them has most of the params in any sound network."""


def _find(subject: Subject) -> Iterator[Finding]:
    analysis = subject.analysis
    weighted = [layer for layer in analysis.layers if layer.node.layer.role == "weighted"]
    if len(weighted) < LEAST_LAYERS or analysis.total.is_bound("params"):
        return
    largest = max(weighted, key=lambda layer: layer.params)
    if largest.params > MOST_SHARE * analysis.total.params:
        hint = (
            "pool over positions in front of it" if _is_flattened(subject.graph, largest.node) else "make it narrower"
        )
        share = f"{largest.params / analysis.total.params:.0%} of all params"
        yield at(largest.node, f"it has {share} ({largest.params:,} of {analysis.total.params:,}); {hint}")


def _is_flattened(graph: Graph, node: Node) -> bool:
    """Whether the features that it reads are the positions of a map, with nothing with weights in between."""
    is_flat = len(node.shape) == 1
    while is_flat and len(node.inputs) == 1:
        node = graph.nodes[node.inputs[0]]
        if len(node.shape) > 1 or node.layer.role == "weighted":
            return len(node.shape) > 1 and prod(node.shape) > node.shape[0]
    return False


RULE = Rule(
    RuleName("dominant-layer", "One layer has more than half of the parameters."),
    "Most often it is a linear layer behind a flattened map; global average pooling was made to replace it. Networks "
    f"of fewer than {LEAST_LAYERS} layers with weights are left out.",
    "Lin et al. 2014, Network in Network, section 3.2",
    """\
input: [3, 32, 32]
layers:
  - {type: conv2d, repeat: 3, out_channels: 16, kernel_size: 3, padding: 1}
  - {type: flatten}
  - {type: linear, out_features: 100}
""",
    """\
input: [3, 32, 32]
layers:
  - {type: conv2d, repeat: 3, out_channels: 16, kernel_size: 3, padding: 1}
  - {type: adaptive_avg_pool2d, output_size: 1}
  - {type: flatten}
  - {type: linear, out_features: 100}
""",
    _find,
)
