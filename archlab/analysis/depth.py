"""How deep a network is."""

from __future__ import annotations

from archlab.analysis.result import Analysis


def depth(analysis: Analysis) -> int:
    """Convolutions and linear layers on the longest path, as papers count layers."""
    longest: list[int] = []
    for node in analysis.graph.nodes:
        before = max([longest[source] for source in node.inputs], default=0)
        longest.append(before + (node.layer.role == "weighted"))
    return max([longest[index] for _, index in analysis.graph.outputs])
