"""A diagram as text: Mermaid's flowcharts and Graphviz' DOT."""

from __future__ import annotations

from collections.abc import Callable

from archlab.layers.shape import shape_text
from archlab.report.diagram.boxes import Box, Diagram, Edge


def diagram_mermaid(diagram: Diagram) -> str:
    """A Mermaid flowchart, as Markdown pages show it; a stage whose unit branches is a subgraph."""
    graph = diagram.analysis.graph
    lines = ["flowchart TD", f'  input(["input {shape_text(graph.input_shape)}"])']
    for number, box in enumerate(diagram.boxes):
        if box.inside is None:
            lines.append(f'  b{number}["{_lines(box, "<br/>", _mermaid)}"]')
            continue
        lines.append(f'  subgraph s{number}["{_mermaid(_name(box))}"]')
        lines += [
            f'    b{number}_{at}["{_lines(inner, "<br/>", _mermaid)}"]' for at, inner in enumerate(box.inside.boxes)
        ]
        lines.append("  end")
    lines += [f"  {source} {'-.->' if is_skip else '-->'} {target}" for source, target, is_skip in _edges(diagram)]
    return "\n".join(lines) + "\n"


def diagram_dot(diagram: Diagram) -> str:
    """A graph for Graphviz' `dot`; a stage whose unit branches is a cluster."""
    graph = diagram.analysis.graph
    lines = [
        f'digraph "{_dot(graph.name)}" {{',
        '  node [shape=box, style=rounded, fontname="Helvetica", fontsize=11];',
        '  edge [fontname="Helvetica", fontsize=9];',
        f'  input [label="input {shape_text(graph.input_shape)}", shape=oval];',
    ]
    for number, box in enumerate(diagram.boxes):
        if box.inside is None:
            lines.append(f'  b{number} [label="{_lines(box, BREAK, _dot)}"];')
            continue
        lines.append(f'  subgraph cluster_{number} {{ label="{_dot(_name(box))}"; fontname="Helvetica"; fontsize=11;')
        lines += [
            f'    b{number}_{at} [label="{_lines(inner, BREAK, _dot)}"];' for at, inner in enumerate(box.inside.boxes)
        ]
        lines.append("  }")
    lines += [
        f"  {source} -> {target}{' [style=dashed, constraint=false]' if is_skip else ''};"
        for source, target, is_skip in _edges(diagram)
    ]
    return "\n".join([*lines, "}"]) + "\n"


BREAK = "\\n"
"""Between the lines of a label, as DOT writes it."""


def _edges(diagram: Diagram) -> list[tuple[str, str, bool]]:
    """Names of the boxes, those in stages among them, and whether a shortcut leads from one to the other."""
    found = [edge for number, box in enumerate(diagram.boxes) for edge in _inside(diagram, number, box)]
    for edge in diagram.edges:
        if diagram.boxes[edge.target].inside is None:
            found += [(name, f"b{edge.target}", edge.is_skip) for name in _leaving(diagram, edge)]
    return list(dict.fromkeys(found))


def _inside(diagram: Diagram, number: int, box: Box) -> list[tuple[str, str, bool]]:
    """The edges in a stage and into it: what its unit reads is what the stage does."""
    if box.inside is None:
        return []
    coming = [edge for edge in diagram.edges if edge.target == number]
    outer = sorted({value for edge in coming for value in edge.values})
    inner = sorted({value for edge in box.inside.edges if edge.source < 0 for value in edge.values})
    found: list[tuple[str, str, bool]] = []
    for edge in box.inside.edges:
        target = f"b{number}_{edge.target}"
        if edge.source >= 0:
            found.append((f"b{number}_{edge.source}", target, edge.is_skip))
            continue
        for value in edge.values:
            wanted = outer[min(inner.index(value), len(outer) - 1)]
            found += [
                (name, target, edge.is_skip or one.is_skip)
                for one in coming
                if wanted in one.values
                for name in _leaving(diagram, one, wanted)
            ]
    return found


def _leaving(diagram: Diagram, edge: Edge, value: int | None = None) -> list[str]:
    """The boxes that an edge comes from; in a stage, those that its values leave."""
    if edge.source < 0:
        return ["input"]
    part = diagram.boxes[edge.source].inside
    if part is None:
        return [f"b{edge.source}"]
    owner = {layer.node.index: number for number, box in enumerate(part.boxes) for layer in box.layers}
    values = edge.values if value is None else (value,)
    outer = sorted({one for other in diagram.edges if other.source == edge.source for one in other.values})
    inner = [part.leaving[min(outer.index(one), len(part.leaving) - 1)] for one in values]
    return list(dict.fromkeys([f"b{edge.source}_{owner[one]}" for one in inner]))


def _name(box: Box) -> str:
    times = f" x{box.repeats}" if box.repeats > 1 else ""
    return f"{box.path}{times}{' side by side' if box.beside else ''}"


def _lines(box: Box, between: str, escape: Callable[[str], str]) -> str:
    words = (_name(box), f"{box.text}{' (shared weights)' if box.shares else ''}", shape_text(box.shape))
    return between.join(escape(word) for word in words)


def _mermaid(text: str) -> str:
    """Characters that end a label as entities, which Mermaid reads."""
    return text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")


def _dot(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
