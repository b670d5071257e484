"""In which precision each node of a training step computes, and what is copied for it."""

from __future__ import annotations

from typing import NamedTuple

from archlab.analysis.facts import DTYPE_BYTES
from archlab.graph import Graph


class Precision(NamedTuple):
    """One node's precision, in bytes of an element.

    Attributes:
        output: of its value.
        compute: of what it computes with: inputs of another size are copied first.
        copies_params: whether its parameters are, too.
    """

    output: int
    compute: int
    copies_params: bool


def precisions(graph: Graph, dtype: str) -> list[Precision]:
    """The precision of each node of a network that is all of one dtype."""
    size = DTYPE_BYTES[dtype]
    return [Precision(size, size, copies_params=False)] * len(graph.nodes)
