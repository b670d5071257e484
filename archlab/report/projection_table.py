"""The terminal form of `archlab receptive-field --projective`."""

from __future__ import annotations

from archlab.report.grid import Grid, GridColumn, Prose
from archlab.report.projection import ProjectionReport
from archlab.report.terminal import Part, render

LEFT = ("layer", "type", "output", "reached", "marks")
RANKS = {"reached": 1, "stride": 2, "coverage": 3, "marks": 4, "output": 5, "type": 6, "none": 7, "all": 8}
"""How dispensable columns are; those that are not named are not."""
OPTIONAL = ("all", "none", "marks")
"""Left out where no layer has any."""


def projection_table(report: ProjectionReport, *, colour: bool = False) -> str:
    """What the position reaches of each layer that changes it."""
    rows = report.rows()
    parts: list[Part] = [report.title(), *report.sentences()]
    if rows:
        shown = [name for name in rows[0] if name not in OPTIONAL or any(row[name] not in ("", "0") for row in rows)]
        columns = [GridColumn(name, "left" if name in LEFT else "right", RANKS.get(name, 0)) for name in shown]
        parts.append(Grid(columns, [tuple([row[name] for name in shown]) for row in rows]))
    parts.append(Prose(tuple(report.notes())))
    return render(parts, colour=colour)
