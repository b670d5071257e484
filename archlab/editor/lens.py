"""Totals of the network above the first line, and its budgets beside `expect`."""

from __future__ import annotations

from typing import NamedTuple

from archlab.api.expect import check_expect
from archlab.config.tree.document import Document
from archlab.diagnostics.problem import Problems, TooManyProblemsError
from archlab.diagnostics.words import counted
from archlab.editor.hints import BETWEEN
from archlab.editor.snapshot import Snapshot
from archlab.report.units import binary, field_text, si


class Lens(NamedTuple):
    """A line above a line.

    Attributes:
        line: from 0.
        title: what is shown.
    """

    line: int
    title: str


def lenses(snapshot: Snapshot) -> list[Lens]:
    """The totals of the network that is shown, and how its figures stand to `expect`."""
    document = snapshot.document
    if document is None:
        return []
    analysis = snapshot.analysis
    if analysis is None:
        count = len(snapshot.problems)
        return [Lens(0, f"{document.name}: {counted(count, 'problem')}")] if count else []
    total = analysis.total
    title = [
        f"{analysis.graph.name}: {si(total.params)} params",
        f"{si(total.macs)} MACs",
        f"peak {binary(total.memory.inference_peak)}",
        f"field {field_text(total.receptive_field)}",
        counted(len(analysis.layers), "layer"),
    ]
    return [Lens(0, BETWEEN.join(title)), *_budgets(snapshot, document)]


def _budgets(snapshot: Snapshot, document: Document) -> list[Lens]:
    """How many figures of `expect` hold."""
    expect = document.expect if snapshot.variant is None else snapshot.variant.expect
    if expect is None or snapshot.analysis is None or expect.place.source is not snapshot.source:
        return []
    problems = Problems()
    try:
        found = check_expect(expect, snapshot.analysis, problems)
    except TooManyProblemsError:
        found = []
    broken = len(problems.found)
    held = "all hold" if not broken else f"{counted(broken, 'figure')} not as expected"
    return [Lens(expect.place.line, f"{counted(len(found), 'figure')} compared: {held}")] if found else []
