"""The terminal form of `archlab memory`."""

from __future__ import annotations

from collections.abc import Sequence

from archlab.analysis.row import Row
from archlab.report.columns import USUAL, Column, View, arranged, found, tabulate
from archlab.report.deployment import arena_rows
from archlab.report.grid import Prose
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
        asked: which columns of either table, and in which order; of a table that has none of them, all.
        colour: whether it goes to a terminal.
    """
    moments, holders = _moment_columns(view), HOLDERS
    of_moments, of_holders = _apart(asked, moments, holders)
    if of_moments.columns:  # a phase alone does not say what a row is of
        of_moments = of_moments._replace(columns=("phase", "layers", *of_moments.columns))
    parts: list[Part] = [
        view.title(),
        tabulate(moments, view.folded(depth), of_moments),
        _parts(view),
        tabulate(holders, arranged(holders, view.holders(), of_holders.sort)[:MOST_HOLDERS], View(of_holders.columns)),
        Prose(view.notes),
    ]
    return render(parts, colour=colour)


def _apart(asked: View, *tables: Sequence[Column[Row]]) -> list[View]:
    """What is asked for of each table: a column is of the first that has it, and one that has none stays as it is.

    Raises:
        ConfigError: for a column that no table has.
    """
    pairs = [(at, column) for at, table in enumerate(tables) for column in table if column.name]
    owners: dict[str, int] = {column.key: at for at, column in reversed(pairs)}

    def owner(key: str) -> int:
        return owners[found([column for table in tables for column in table], key.removeprefix("-")).key]

    return [
        View(*[tuple([key for key in keys if owner(key) == at]) for keys in (asked.columns, asked.sort)])
        for at in range(len(tables))
    ]


def _moment_columns(view: MemoryView) -> list[Column[Row]]:
    peak = max(view.timeline.peak, 1)
    return [
        Column("phase", lambda row: row["phase"], justify="left"),
        Column("layers", lambda row: row["layer"], justify="left"),
        Column("peak", lambda row: binary(row["peak"]), lambda row: row["peak"]),
        Column("after", lambda row: binary(row["after"]), lambda row: row["after"], rank=1),
        Column("", lambda row: "█" * round(BAR * row["peak"] / peak), justify="left", rank=2),
    ]


HOLDERS: list[Column[Row]] = [
    Column("at the peak", lambda row: binary(row["bytes"]), lambda row: row["bytes"]),
    Column("layer", lambda row: row["layer"], justify="left"),
    Column("what", lambda row: row["what"], justify="left", flows=True),
    Column("held for", lambda row: row["held for"], justify="left", flows=True),
]


def _parts(view: MemoryView) -> str:
    lines = [("peak", view.peak_text())]
    lines += [(f"  {label}", binary(size)) for label, size in view.parts()]
    lines += [*arena_rows(view.analysis), *view.checkpoint_lines(), *view.fit_lines()]
    width = max(len(label) for label, _ in lines) + 2
    return "\n".join(f"{label:<{width}}{text}" for label, text in lines)
