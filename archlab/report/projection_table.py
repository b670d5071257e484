"""The terminal form of `archlab receptive-field --projective`."""

from __future__ import annotations

from archlab.report.columns import USUAL, View, texts_grid
from archlab.report.grid import Prose
from archlab.report.projection import ProjectionReport
from archlab.report.terminal import Part, render

LEFT = ("layer", "type", "output", "reached", "marks")
RANKS = {"reached": 1, "stride": 2, "coverage": 3, "marks": 4, "output": 5, "type": 6, "none": 7, "all": 8}
"""How dispensable columns are; those that are not named are not."""
OPTIONAL = ("all", "none", "marks")
"""Left out where no layer has any."""


def projection_table(report: ProjectionReport, view: View = USUAL, *, colour: bool = False) -> str:
    """What the position reaches of each layer that changes it.

    Args:
        report: what to show.
        view: which columns.
        colour: whether it goes to a terminal.
    """
    rows = report.rows()
    parts: list[Part] = [report.title(), *report.sentences()]
    if rows:
        hidden = {name for name in OPTIONAL if not view.columns and all(row[name] in ("", "0") for row in rows)}
        kept = [{name: text for name, text in row.items() if name not in hidden} for row in rows]
        parts.append(texts_grid(kept, RANKS, LEFT, view))
    parts.append(Prose(tuple(report.notes())))
    return render(parts, colour=colour)
