"""A diagram as text: Mermaid's flowcharts and Graphviz' DOT."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from archlab.layers.shape import shape_text
from archlab.report.diagram.boxes import Box, Diagram, Edge
from archlab.report.diagram.cards import costs_text


class _Line(NamedTuple):
    """A line of the text.

    Attributes:
        source: name of a box, one in a stage among them.
        target: likewise.
        is_skip: whether it is of a shortcut.
        shapes: of what goes along it.
    """

    source: str
    target: str
    is_skip: bool
    shapes: str


def diagram_mermaid(diagram: Diagram) -> str:
    """A Mermaid flowchart, as Markdown pages show it; a stage whose unit branches is a subgraph."""
    graph = diagram.analysis.graph
    lines = ["flowchart TD", f'  input(["input {shape_text(graph.input_shape)}"])']
    for number, box in enumerate(diagram.boxes):
        if box.inside is None:
            lines.append(f'  b{number}["{_words(box, "<br/>", _mermaid)}"]')
            continue
        lines.append(f'  subgraph s{number}["{_mermaid(_stage(box))}"]')
        lines += [
            f'    b{number}_{at}["{_words(inner, "<br/>", _mermaid, in_stage=True)}"]'
            for at, inner in enumerate(box.inside.boxes)
        ]
        lines.append("  end")
    lines += [f'  {name}(["{_mermaid(words)}"])' for name, words, _ in _results(diagram)]
    lines += [
        f"  {line.source} {'-.->' if line.is_skip else '-->'}|{line.shapes}| {line.target}" for line in _lines(diagram)
    ]
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
            lines.append(f'  b{number} [label="{_words(box, BREAK, _dot)}"];')
            continue
        lines.append(f'  subgraph cluster_{number} {{ label="{_dot(_stage(box))}"; fontname="Helvetica"; fontsize=11;')
        lines += [
            f'    b{number}_{at} [label="{_words(inner, BREAK, _dot, in_stage=True)}"];'
            for at, inner in enumerate(box.inside.boxes)
        ]
        lines.append("  }")
    lines += [f'  {name} [label="{_dot(words)}", shape=oval];' for name, words, _ in _results(diagram)]
    for line in _lines(diagram):
        aside = ", style=dashed, constraint=false" if line.is_skip else ""
        lines.append(f'  {line.source} -> {line.target} [label="{line.shapes}"{aside}];')
    return "\n".join([*lines, "}"]) + "\n"


BREAK = "\\n"
"""Between the lines of a label, as DOT writes it."""


def _results(diagram: Diagram) -> list[tuple[str, str, int]]:
    """A name for each result, its words, and the node that gives it."""
    outputs = diagram.analysis.graph.outputs
    labels = ["result" if len(outputs) == 1 else f"result {label}" for label, _ in outputs]
    return [(f"r{number}", words, outputs[number][1]) for number, words in enumerate(labels)]


def _lines(diagram: Diagram) -> list[_Line]:
    """Between the boxes, those in stages among them, and to the results."""
    found = [line for number, box in enumerate(diagram.boxes) for line in _inside(diagram, number, box)]
    for edge in diagram.edges:
        if diagram.boxes[edge.target].inside is None:
            for value in edge.values:
                names = _leaving(diagram, edge, value)
                found += [_Line(name, f"b{edge.target}", edge.is_skip, _shapes(diagram, [value])) for name in names]
    owner = {layer.node.index: number for number, box in enumerate(diagram.boxes) for layer in box.layers}
    for name, _, node in _results(diagram):
        out = Edge(owner.get(node, -1), 0, values=(node,))
        found += [_Line(source, name, False, _shapes(diagram, [node])) for source in _leaving(diagram, out, node)]
    return _once(found)


def _once(lines: list[_Line]) -> list[_Line]:
    """One line where several lead from one box to another, with all of their shapes."""
    shapes: dict[tuple[str, str, bool], dict[str, None]] = {}
    for line in lines:
        shapes.setdefault(line[:3], {})[line.shapes] = None
    return [_Line(*ends, ", ".join(texts)) for ends, texts in shapes.items()]


def _shapes(diagram: Diagram, values: Iterable[int]) -> str:
    nodes = diagram.analysis.graph.nodes
    return ", ".join(dict.fromkeys([shape_text(nodes[value].shape) for value in values]))


def _inside(diagram: Diagram, number: int, box: Box) -> list[_Line]:
    """The lines in a stage and into it: what its unit reads is what the stage does."""
    if box.inside is None:
        return []
    coming = [edge for edge in diagram.edges if edge.target == number]
    outer = sorted({value for edge in coming for value in edge.values})
    inner = sorted({value for edge in box.inside.edges if edge.source < 0 for value in edge.values})
    found: list[_Line] = []
    for edge in box.inside.edges:
        target = f"b{number}_{edge.target}"
        if edge.source >= 0:
            found.append(_Line(f"b{number}_{edge.source}", target, edge.is_skip, _shapes(diagram, edge.values)))
            continue
        for value in edge.values:
            wanted = outer[min(inner.index(value), len(outer) - 1)]
            found += [
                _Line(name, target, edge.is_skip or one.is_skip, _shapes(diagram, [wanted]))
                for one in coming
                if wanted in one.values
                for name in _leaving(diagram, one, wanted)
            ]
    return found


def _leaving(diagram: Diagram, edge: Edge, value: int) -> list[str]:
    """The boxes that an edge comes from; in a stage, those that its values leave."""
    if edge.source < 0:
        return ["input"]
    part = diagram.boxes[edge.source].inside
    if part is None:
        return [f"b{edge.source}"]
    owner = {layer.node.index: number for number, box in enumerate(part.boxes) for layer in box.layers}
    found = sorted({one for other in diagram.edges if other.source == edge.source for one in other.values} | {value})
    leaving = part.leaving[min(found.index(value), len(part.leaving) - 1)]
    return [f"b{edge.source}_{owner[leaving]}"]


def _name(box: Box) -> str:
    times = f" x{box.repeats}" if box.repeats > 1 else ""
    return f"{box.path}{times}{' side by side' if box.beside else ''}"


def _stage(box: Box) -> str:
    costs = costs_text(box)
    return f"{_name(box)}: {costs}" if costs else _name(box)


def _words(box: Box, between: str, escape: Callable[[str], str], *, in_stage: bool = False) -> str:
    lines = (_name(box), box.text, "" if in_stage else costs_text(box))
    return between.join([escape(words) for words in dict.fromkeys(lines) if words])


def _mermaid(text: str) -> str:
    """Characters that end a label as entities, which Mermaid reads."""
    return text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")


def _dot(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
