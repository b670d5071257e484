"""The input whose positions a report of fields tells of, by name where there are several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archlab.analysis.row import Row
from archlab.layers.shape import shape_text

if TYPE_CHECKING:
    from archlab.analysis.result import Analysis
    from archlab.graph import Graph


def input_words(graph: Graph) -> str:
    """`the input`, `the input t`."""
    return f"the input {graph.nodes[0].path}" if len(graph.inputs) > 1 else "the input"


def input_text(analysis: Analysis) -> str:
    """`input 1x3x224x224`, `input t 1x8x10`."""
    return f"{input_words(analysis.graph).removeprefix('the ')} {shape_text(tuple(analysis.input_shape))}"


def input_dict(analysis: Analysis) -> Row:
    """The same for JSON."""
    graph = analysis.graph
    name = {"name": graph.nodes[0].path} if len(graph.inputs) > 1 else {}
    return {**name, "shape": analysis.input_shape}
