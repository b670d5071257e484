"""What a terminal shows: texts wrapped to its width, tables in colour. The only module that draws with rich."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from archlab.report.grid import GAP, Grid

MOST_ROWS = 500
"""Rows beyond which rich, which measures every cell for wrapping, would take seconds."""
LEAST_TEXT = 8
"""Columns to which a column of texts may shrink."""


def coloured(parts: Iterable[str | Grid], width: int) -> str:
    """The parts, one below the other.

    Args:
        parts: texts and tables.
        width: columns of the terminal.
    """
    out = StringIO()
    console = Console(
        file=out,
        width=width,
        height=2 * MOST_ROWS,  # without a height, rich takes a dumb terminal for one of 80 columns
        force_terminal=True,
        markup=False,
        highlight=False,
        emoji=False,
    )
    for part in parts:
        if isinstance(part, str):
            console.width = width
            console.print(part)
        elif len(part.rows) > MOST_ROWS:
            out.write(part.text())
        else:
            table, console.width = _table(part, width)
            console.print(table)
    return out.getvalue()


def _table(grid: Grid, width: int) -> tuple[Table, int]:
    """The table, and the terminal's width, or more where it is too narrow for the numbers: they are never cut.

    A column without a heading holds bars, which go first.
    """
    widths = grid.widths()
    shown = list(range(len(widths)))
    if sum(widths) + len(GAP) * len(widths) > width:
        shown = [index for index in shown if grid.columns[index].name]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    least = []
    for index in shown:
        name, justify = grid.columns[index]
        least.append(widths[index] if justify == "right" else min(widths[index], LEAST_TEXT))
        table.add_column(name, justify=justify, min_width=least[-1], no_wrap=justify == "right", overflow="fold")
    for row in grid.rows:
        table.add_row(*[row[index] for index in shown])
    return table, max(width, sum(least) + len(GAP) * len(shown))
