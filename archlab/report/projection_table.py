"""The terminal form of `archlab receptive-field --projective`."""

from __future__ import annotations

from archlab.report.grid import Grid, grid
from archlab.report.projection import ProjectionReport
from archlab.report.terminal import render

LEFT = ("layer", "type", "output", "reached", "marks")
OPTIONAL = ("all", "none", "marks")
"""Left out where no layer has any."""


def projection_table(report: ProjectionReport, *, colour: bool = False) -> str:
    """What the position reaches of each layer that changes it."""
    rows = report.rows()
    parts: list[str | Grid] = [report.title(), *report.sentences()]
    if rows:
        shown = [name for name in rows[0] if name not in OPTIONAL or any(row[name] not in ("", "0") for row in rows)]
        table = grid(*[(name, "left" if name in LEFT else "right") for name in shown])
        table.rows = [tuple([row[name] for name in shown]) for row in rows]
        parts.append(table)
    parts += ["\n".join(report.notes())]
    return render(parts, colour=colour)
