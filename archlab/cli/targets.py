"""Several targets in one result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from archlab.graph import Graph


def tell_apart(graphs: Sequence[Graph], targets: Sequence[str]) -> None:
    """Add to names that several networks have what they were asked for by, in every form of the result."""
    counts = Counter(graph.name for graph in graphs)
    for graph, target in zip(graphs, targets, strict=True):
        if counts[graph.name] > 1 and targets.count(target) == 1:
            graph.name = f"{graph.name} ({target})"
