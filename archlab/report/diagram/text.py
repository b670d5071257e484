"""A diagram as text: Mermaid's flowcharts and Graphviz' DOT."""

from __future__ import annotations

from collections.abc import Callable

from archlab.layers.shape import shape_text
from archlab.report.diagram.boxes import Box, Diagram


def diagram_mermaid(diagram: Diagram) -> str:
    """A Mermaid flowchart, as Markdown pages show it."""
    graph = diagram.analysis.graph
    lines = ["flowchart TD", f'  input(["input {shape_text(graph.input_shape)}"])']
    labels = [_lines(box, "<br/>", _mermaid) for box in diagram.boxes]
    lines += [f'  b{number}["{label}"]' for number, label in enumerate(labels)]
    lines += [f"  {_name(edge.source)} {'-.->' if edge.is_skip else '-->'} b{edge.target}" for edge in diagram.edges]
    return "\n".join(lines) + "\n"


def diagram_dot(diagram: Diagram) -> str:
    """A graph for Graphviz' `dot`."""
    graph = diagram.analysis.graph
    lines = [
        f'digraph "{_dot(graph.name)}" {{',
        '  node [shape=box, style=rounded, fontname="Helvetica", fontsize=11];',
        f'  input [label="input {shape_text(graph.input_shape)}", shape=oval];',
    ]
    labels = [_lines(box, "\\n", _dot) for box in diagram.boxes]
    lines += [f'  b{number} [label="{label}"];' for number, label in enumerate(labels)]
    lines += [
        f"  {_name(edge.source)} -> b{edge.target}{' [style=dashed, constraint=false]' if edge.is_skip else ''};"
        for edge in diagram.edges
    ]
    return "\n".join([*lines, "}"]) + "\n"


def _name(number: int) -> str:
    return "input" if number < 0 else f"b{number}"


def _lines(box: Box, between: str, escape: Callable[[str], str]) -> str:
    times = f" x{box.repeats}" if box.repeats > 1 else ""
    words = (f"{box.path}{times}", f"{box.text}{' (shared weights)' if box.shares else ''}", shape_text(box.shape))
    return between.join(escape(word) for word in words)


def _mermaid(text: str) -> str:
    """Characters that end a label as entities, which Mermaid reads."""
    return text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")


def _dot(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
