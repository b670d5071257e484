"""Explanations for a terminal: plain text, aligned, at most about 110 columns wide."""

from __future__ import annotations

from textwrap import wrap

from archlab.diagnostics.words import counted
from archlab.explain.block import BlockExplanation
from archlab.explain.columns import aligned
from archlab.explain.layer import Explanation
from archlab.explain.overview import Overview
from archlab.explain.section import Section, Step, number

WIDTH = 110


def explanation_text(explanation: Explanation | BlockExplanation) -> str:
    """All sections."""
    parts = [explanation.heading, *(section_text(section) for section in explanation.sections)]
    return "\n\n".join(parts) + "\n"


def section_text(section: Section) -> str:
    """Title and source, then what `body_lines` says, indented."""
    title = f"{section.title}  ({section.source})" if section.source else section.title
    lines = body_lines(section)
    return "\n".join([title, *(f"  {line}".rstrip() for line in lines)])


def body_lines(section: Section) -> list[str]:
    """Formulas, notes and drawing."""
    width = max((len(step.name) for step in section.steps), default=0)
    lines = [line for step in section.steps for line in _step_lines(step, width)]
    for note in section.notes:
        lead = len(note) - len(note.lstrip())
        lines += wrap(note.strip(), WIDTH - 2, initial_indent=" " * lead, subsequent_indent=" " * lead) if note else []
    if section.drawing:
        lines += [*([""] if lines else []), *section.drawing.splitlines()]
    return lines


def _step_lines(step: Step, width: int) -> list[str]:
    """`name = formula`, `= numbers`, `= result`, each on a line; on one where there is no formula."""
    result = number(step.result) + (f"  ({step.remark})" if step.remark else "")
    said = [part for part in (step.formula, step.numbers) if part and part != number(step.result)]
    first, *others = [line for part in (*said, result) for line in _wrapped(part, WIDTH - width - 5)]
    return [f"{step.name:<{width}} {first}", *(f"{'':<{width}} {part}" for part in others)]


def _wrapped(part: str, width: int) -> list[str]:
    """A formula behind its `=`, on lines that fit; between words only."""
    lines = wrap(part, max(width, 40), break_long_words=False, break_on_hyphens=False) or [""]
    return [f"= {lines[0]}", *[f"  {line}" for line in lines[1:]]]


def overview_text(overview: Overview, target: str) -> str:
    """A line for each kind of layer, and how to ask for one.

    Args:
        overview: of the network.
        target: as it was named.
    """
    name = overview.analysis.graph.name
    rows = [
        [kind.what, f"x {len(kind.paths)}" if len(kind.paths) > 1 else "", kind.paths[0], kind.output]
        for kind in overview.kinds
    ]
    table = aligned([["layer", "", "for example", "output"], *rows])
    path = next((k.paths[0] for k in overview.kinds if "conv" in k.what and " 1x1" not in k.what), rows[0][2])
    asks = [
        [f"archlab explain {target} {path}", "explains a layer"],
        [f"archlab explain {target} --counting", "why tools count differently"],
    ]
    heading = f"{name}: {counted(len(overview.analysis.layers), 'layer')} of {counted(len(overview.kinds), 'kind')}"
    return "\n".join([heading, "", *table, "", *aligned(asks)]) + "\n"
