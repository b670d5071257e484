"""The terminal form of `archlab receptive-field`."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table

from archlab.analysis.row import Row
from archlab.report.field import FieldReport
from archlab.report.footer import seen_text
from archlab.report.terminal import plain_table, render

LEFT = ("layer", "type", "output", "marks", "productivity", "effective field", "axis")


def field_table(report: FieldReport, *, colour: bool = False) -> str:
    """Growth along the network, then the effective field of the chosen unit."""
    growth = report.growth_rows()
    if not any(row["marks"] for row in growth):
        for row in growth:
            del row["marks"]
    parts: list[RenderableType] = [report.title(), *_reach(report)]
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


def _rows(rows: list[Row]) -> Table:
    table = plain_table()
    for name in rows[0]:
        if name in LEFT:
            table.add_column(name, overflow="fold")
        else:
            table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row.values())
    return table
