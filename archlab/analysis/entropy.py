"""DeepMAD's entropy of a network, and its depth for its width (Shen et al., CVPR 2023, arXiv:2303.02165).

A convolution of width `w = c_in * kernel positions / groups` carries `log w`. The entropy of `L` of them that end in a
map of `c` channels with `r * r` positions is

    H = log(r * r * c) * (log w_1 + ... + log w_L)

and the network's depth for its width is `L` divided by the geometric mean of the widths. The paper seeks the largest
entropy within a budget, with that ratio below a bound: beyond it a network is too deep to be trained well.

Counted are the convolutions whose output is a map with several positions, shortcuts among them; gates and what comes
behind a global pooling are not. The paper adds up such entropies of several stages with weights of its own; this is
that of the whole network. It ranks designs of one family, and is no accuracy.
"""

from __future__ import annotations

from math import exp, log
from typing import NamedTuple

from archlab.analysis.facts import collect_facts
from archlab.graph import Graph
from archlab.layers.shape import map_size


class Structure(NamedTuple):
    """What the score is made of.

    Attributes:
        layers: how many convolutions.
        logs: the logarithms of their widths, added up.
        elements: of the last one's output.
    """

    layers: int
    logs: float
    elements: int

    @property
    def entropy(self) -> float:
        """H; 0 of a network without convolutions."""
        return self.logs * log(self.elements) if self.layers else 0.0

    @property
    def depth_to_width(self) -> float:
        """The number of layers over the geometric mean of their widths."""
        return self.layers / exp(self.logs / self.layers) if self.layers else 0.0


def structure(graph: Graph) -> Structure:
    """The convolutions of a network, as the score sees them."""
    layers, logs, elements = 0, 0.0, 1
    for node, fact in zip(graph.nodes, collect_facts(graph), strict=True):
        size = map_size(node.shape)
        if node.layer.role != "weighted" or size is None or max(size) < 2 or not fact.macs:
            continue
        layers += 1
        logs += log(fact.macs / fact.elements)  # c_in * kernel positions / groups, of a convolution
        elements = fact.elements
    return Structure(layers, logs, elements)
