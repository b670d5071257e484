"""Activations behind the last layer with weights."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from archlab.diagnostics.codes import RuleName
from archlab.graph import Node
from archlab.lint.rule import Finding, Rule, Subject, at

RANGES = (
    *("sigmoid", "hardsigmoid", "log_sigmoid", "tanh", "hardtanh", "softplus"),
    *("softmax", "softmax2d", "softmin", "log_softmax"),
)
"""Activations that give a result the range that it is meant to have: probabilities, their logarithms, pixels."""


def _find(subject: Subject) -> Iterator[Finding]:
    for index in sorted(subject.results):
        node = subject.graph.nodes[index]
        found = _activation(subject, node) if prod(node.shape) == node.shape[0] else None
        if found is not None:
            yield at(
                found,
                f"{found.layer.type} cuts the network's result off; leave it out, so that scores may have any sign "
                "(softmax, sigmoid and the like, which give a range, are fine)",
            )


def _activation(subject: Subject, end: Node) -> Node | None:
    """The activation between the last layer with weights and a result, if nothing but pooling and the like is there."""
    node, found = end, None
    while len(node.inputs) == 1 and node.layer.role in {"layer", "activation"}:
        if node.layer.role == "activation":
            found = node
        node = subject.graph.nodes[node.inputs[0]]
    is_cut = found is not None and node.layer.role == "weighted" and found.layer.type not in RANGES
    return found if is_cut else None


RULE = Rule(
    RuleName("final-activation", "An activation that cuts values off stands behind the last layer with weights."),
    "Scores of classes can then not fall below zero, and a unit that is cut off learns nothing. Maps are left "
    "out, which are features for what follows.",
    "Goodfellow et al. 2016, Deep Learning, section 6.2.2 (output units)",
    """\
input: [64]
layers:
  - {type: linear, out_features: 32, activation: relu}
  - {type: linear, out_features: 10, activation: relu}
""",
    """\
input: [64]
layers:
  - {type: linear, out_features: 32, activation: relu}
  - {type: linear, out_features: 10}
  - {type: softmax}
""",
    _find,
)
