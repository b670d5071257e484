"""The terminal form of `archlab receptive-field`."""

from __future__ import annotations

from archlab.analysis.row import Row
from archlab.report.field import FieldReport
from archlab.report.footer import seen_text
from archlab.report.grid import Grid, grid
from archlab.report.terminal import render

LEFT = ("layer", "type", "output", "marks", "productivity", "effective field", "axis")


def field_table(report: FieldReport, *, colour: bool = False) -> str:
    """Growth along the network, then the effective field of the chosen unit."""
    growth = report.growth_rows()
    if not any(row["marks"] for row in growth):
        for row in growth:
            del row["marks"]
    parts: list[str | Grid] = [report.title(), *_reach(report)]
    parts.append(_rows(growth) if growth else "every layer sees the whole input")
    effective = report.effective_rows()
    if effective:
        parts.append(_rows(effective))
    parts += ["\n".join(report.areas()), "", "\n".join(report.notes())]
    return render(parts, colour=colour)


def _reach(report: FieldReport) -> list[str]:
    """Of a result whose units see everything: how far its windows reach."""
    outputs = [output for output in report.analysis.outputs if output.seen_at is report.node]
    return [seen_text(report.analysis, outputs[0])] if outputs and report.field.is_global else []


def _rows(rows: list[Row]) -> Grid:
    table = grid(*[(name, "left" if name in LEFT else "right") for name in rows[0]])
    table.rows = [tuple(row.values()) for row in rows]
    return table
