"""The terminal form of `archlab receptive-field`."""

from __future__ import annotations

from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table

from archlab.report.field import FieldReport
from archlab.report.plain import Row

LEFT = ("layer", "type", "output", "productivity", "effective field", "axis")
PIPED_WIDTH = 200
"""Columns when the output is no terminal: wide enough that nothing is cut."""


def field_table(report: FieldReport, *, colour: bool = False) -> str:
    """Growth along the network, then the effective field of the chosen unit."""
    growth = report.growth_rows()
    parts: list[RenderableType] = [report.title(), _rows(growth) if growth else "every layer sees the whole input"]
    effective = report.effective_rows()
    if effective:
        parts.append(_rows(effective))
    parts += ["\n".join(report.areas()), "", "\n".join(report.notes())]
    out = StringIO()
    width = None if colour else PIPED_WIDTH
    console = Console(file=out, width=width, force_terminal=colour or None, markup=False, highlight=False, emoji=False)
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _rows(rows: list[Row]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in rows[0]:
        if name in LEFT:
            table.add_column(name, overflow="fold")
        else:
            table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row.values())
    return table
