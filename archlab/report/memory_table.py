"""The terminal form of `archlab memory`."""

from __future__ import annotations

from archlab.analysis.row import Row
from archlab.report.columns import USUAL, Column, View, tabulate
from archlab.report.deployment import arena_rows
from archlab.report.grid import Grid, GridColumn, Prose, grid
from archlab.report.memory import MemoryView
from archlab.report.terminal import Part, render
from archlab.report.units import binary

MOST_HOLDERS = 10
BAR = 30
"""Characters of the longest bar."""


def memory_table(view: MemoryView, depth: int | None, asked: View = USUAL, *, colour: bool = False) -> str:
    """The run by scopes, then the peak, what it is made of, and who holds it.

    Args:
        view: what to show.
        depth: of blocks to fold to; None folds nothing.
        asked: which columns of the first table, and in which order.
        colour: whether it goes to a terminal.
    """
    parts: list[Part] = [
        view.title(),
        _moments(view, depth, asked),
        _parts(view),
        _holders(view),
        Prose(view.notes),
    ]
    return render(parts, colour=colour)


def _moments(view: MemoryView, depth: int | None, asked: View) -> Grid:
    peak = max(view.timeline.peak, 1)
    columns: list[Column[Row]] = [
        Column("phase", lambda row: row["phase"], justify="left"),
        Column("layers", lambda row: row["layer"], justify="left"),
        Column("peak", lambda row: binary(row["peak"]), lambda row: row["peak"]),
        Column("after", lambda row: binary(row["after"]), lambda row: row["after"], rank=1),
        Column("", lambda row: "█" * round(BAR * row["peak"] / peak), justify="left", rank=2),
    ]
    return tabulate(columns, view.folded(depth), asked)


def _parts(view: MemoryView) -> str:
    lines = [("peak", view.peak_text())]
    lines += [(f"  {label}", binary(size)) for label, size in view.parts()]
    lines += [*arena_rows(view.analysis), *view.checkpoint_lines(), *view.fit_lines()]
    width = max(len(label) for label, _ in lines) + 2
    return "\n".join(f"{label:<{width}}{text}" for label, text in lines)


def _holders(view: MemoryView) -> Grid:
    table = grid(
        ("at the peak", "right"),
        ("layer", "left"),
        GridColumn("what", flows=True),
        GridColumn("held for", flows=True),
    )
    for row in view.holders(MOST_HOLDERS):
        table.rows.append((binary(row["bytes"]), row["layer"], row["what"], row["held for"]))
    return table
