"""Grouped convolutions behind one another whose groups never meet."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from typing import NamedTuple

from archlab.diagnostics.codes import RuleName
from archlab.graph import Node
from archlab.lint.rule import Finding, Rule, Subject, at


class Parts(NamedTuple):
    """Into how many parts the channels of a value fall that have not met.

    Attributes:
        number: of the parts; 1 where all channels have met.
        layers: how many grouped convolutions have kept them apart, one behind another.
        last: the last of them.
    """

    number: int = 1
    layers: int = 0
    last: Node | None = None


MIXED = Parts()
LONGEST = 2
"""Grouped convolutions that may follow one another if a dense layer comes next: one kernel in two parts."""
KEEPS = ("max_pool", "avg_pool", "adaptive_", "dropout", "stochastic_depth", "identity", "interpolate", "upsample")
"""Beside norms, activations and sums, the layers that leave channels where they are; others may mix them."""


def _find(subject: Subject) -> Iterator[Finding]:
    graph = subject.graph
    parts = [MIXED] * len(graph.nodes)
    told: set[int] = set()
    for node in graph.layers:
        if not node.inputs:
            continue
        own = parts[node.index] = _parts(subject, node, [parts[i] for i in node.inputs])
        ends = node.index in subject.results and own.layers > 1
        if own.last is not None and own.last.index not in told and (ends or own.layers > LONGEST):
            told.add(own.last.index)
            yield at(
                own.last,
                f"it is the last of {own.layers} grouped convolutions in a row between which the channels of "
                f"different groups never meet: {own.number} networks side by side; put a channel_shuffle or a 1x1 "
                "convolution in between",
            )


def _parts(subject: Subject, node: Node, inputs: list[Parts]) -> Parts:
    """Of a layer's output."""
    groups = _groups(subject, node)
    if not groups:
        return _kept(node, inputs, subject)
    common = gcd(inputs[0].number, groups)
    return Parts(common, inputs[0].layers + 1, node) if common > 1 else Parts(groups, 1, node)


def _groups(subject: Subject, node: Node) -> int:
    """Of a grouped convolution; 0 of other layers, depthwise ones among them."""
    groups: int = getattr(node.layer, "groups", 1)
    is_grouped = node.layer.role == "weighted" and groups > 1 and not _is_depthwise(subject, node)
    return groups if is_grouped else 0


def _is_depthwise(subject: Subject, node: Node) -> bool:
    return bool(getattr(node.layer, "groups", 1) == subject.graph.nodes[node.inputs[0]].shape[0] > 1)


def _kept(node: Node, inputs: list[Parts], subject: Subject) -> Parts:
    """Behind a layer that is no grouped convolution."""
    layer = node.layer
    if layer.role == "weighted":
        return inputs[0] if _is_depthwise(subject, node) else MIXED
    if layer.type == "add":
        number = gcd(*[parts.number for parts in inputs])
        return max(inputs, key=lambda parts: parts.layers)._replace(number=number) if number > 1 else MIXED
    keeps = len(inputs) == 1 and (layer.role in {"norm", "activation"} or layer.type.startswith(KEEPS))
    return inputs[0] if keeps else MIXED


RULE = Rule(
    RuleName("unmixed-groups", "Grouped convolutions follow one another, and their groups never meet."),
    "What a group computes stays in it: the layers are thinner networks side by side. Two in a row are left out if a "
    "dense layer follows (one kernel in two parts), and depthwise ones, since a pointwise one belongs to them.",
    "Zhang et al. 2018, ShuffleNet, section 3.1",
    """\
input: [16, 16, 16]
layers:
  - {type: conv2d, out_channels: 16, kernel_size: 3, groups: 4, activation: relu}
  - {type: conv2d, out_channels: 16, kernel_size: 3, groups: 4}
""",
    """\
input: [16, 16, 16]
layers:
  - {type: conv2d, out_channels: 16, kernel_size: 3, groups: 4, activation: relu}
  - {type: channel_shuffle, groups: 4}
  - {type: conv2d, out_channels: 16, kernel_size: 3, groups: 4}
""",
    _find,
)
