"""Channels that do not fill the tiles in which hardware computes."""

from __future__ import annotations

from collections.abc import Iterator

from archlab.diagnostics.codes import RuleName
from archlab.layers.shape import channels_of
from archlab.lint.rule import Finding, Rule, Subject, at

TILE = 8
"""Channels that tensor cores take at once with 16-bit numbers; also the divisor of MobileNets' widths."""
LEAST_SHARE = 0.01
"""Of the network's MACs: below it a layer's filling costs less than anyone measures."""


def _find(subject: Subject) -> Iterator[Finding]:
    graph, analysis = subject.graph, subject.analysis
    inner = _before_weights(subject)
    for node, report in zip(graph.layers, analysis.layers, strict=True):
        if node.layer.role != "weighted" or not inner[node.index] or report.macs < LEAST_SHARE * analysis.total.macs:
            continue
        channels, groups = channels_of(node.shape), getattr(node.layer, "groups", 1)
        if channels % TILE and groups != channels_of(graph.nodes[node.inputs[0]].shape):
            lower = channels // TILE * TILE
            near = f"{lower} or {lower + TILE}" if lower else str(TILE)
            share = report.macs / analysis.total.macs
            yield at(
                node, f"{channels} channels are not a multiple of {TILE}, in {share:.0%} of the MACs; {near} fill it"
            )


def _before_weights(subject: Subject) -> list[bool]:
    """For every node, whether a weighted layer stands behind it; if not, its channels are the task's."""
    found = [False] * len(subject.graph.nodes)
    for node in reversed(subject.graph.layers):
        if found[node.index] or node.layer.role == "weighted":
            for source in node.inputs:
                found[source] = True
    return found


RULE = Rule(
    RuleName("channel-tile", f"A layer's channels are not a multiple of {TILE}."),
    "Matrix units compute whole tiles: the missing channels cost what real ones would. Results are left out, whose "
    "channels the task decides, and layers with less than 1% of the MACs.",
    "NVIDIA, Matrix Multiplication Background User's Guide; Sandler et al. 2018, MobileNetV2 (round to 8)",
    """\
input: [3, 32, 32]
layers:
  - {type: conv2d, out_channels: 30, kernel_size: 3}
  - {type: conv2d, out_channels: 16, kernel_size: 3}
""",
    """\
input: [3, 32, 32]
layers:
  - {type: conv2d, out_channels: 32, kernel_size: 3}
  - {type: conv2d, out_channels: 10, kernel_size: 3}
""",
    _find,
)
