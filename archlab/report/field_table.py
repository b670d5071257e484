"""The terminal form of `archlab receptive-field`."""

from __future__ import annotations

from archlab.analysis.row import Row
from archlab.report.columns import USUAL, View, texts_grid
from archlab.report.field import FieldReport
from archlab.report.footer import seen_text
from archlab.report.grid import Grid, GridColumn, Prose
from archlab.report.terminal import Part, render

RANKS = {
    "stride": 1,
    "coverage": 2,
    "productivity": 3,
    "marks": 3,
    "output": 4,
    "type": 5,
    "cut": 6,
    "start": 7,
    "units": 8,
    "centre": 9,
    "axis": 1,
    "of theoretical": 2,
    "inside the input": 3,
    "std": 4,
    "theoretical": 5,
}
"""How dispensable columns are; those that are not named are not."""
LEFT = ("layer", "type", "output", "marks", "productivity", "effective field", "axis")


def field_table(report: FieldReport, view: View = USUAL, *, colour: bool = False) -> str:
    """Growth along the network, then the effective field of the chosen unit.

    Args:
        report: what to show.
        view: which columns of the growth.
        colour: whether it goes to a terminal.
    """
    growth = report.growth_rows()
    if not view.columns and not any(row["marks"] for row in growth):
        for row in growth:
            del row["marks"]
    parts: list[Part] = [report.title(), *_reach(report)]
    parts.append(texts_grid(growth, RANKS, LEFT, view) if growth else "every layer sees the whole input")
    effective = report.effective_rows()
    if effective:
        parts.append(_rows(effective))
    parts += ["\n".join(report.areas()), "", Prose(report.notes())]
    return render(parts, colour=colour)


def _reach(report: FieldReport) -> list[str]:
    """Of a result whose units see everything: how far its windows reach."""
    outputs = [output for output in report.analysis.outputs if output.seen_at is report.node]
    return [seen_text(report.analysis, outputs[0])] if outputs and report.field.is_global else []


def _rows(rows: list[Row]) -> Grid:
    columns = [GridColumn(name, "left" if name in LEFT else "right", RANKS.get(name, 0)) for name in rows[0]]
    return Grid(columns, [tuple(row.values()) for row in rows])
