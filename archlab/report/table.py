"""Terminal tables, drawn by rich, which is imported only here."""

from __future__ import annotations

import sys
from io import StringIO
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from archlab.analysis.result import Analysis
from archlab.layers.base import shape_text
from archlab.report.fold import FoldedRow, fold
from archlab.report.footer import CONVENTIONS, heading, totals
from archlab.report.plain import Row
from archlab.report.units import binary, field_text, si, stride_text

PIPED_WIDTH = 200
"""Columns when the output is no terminal: wide enough that nothing is cut."""


def _render(parts: list[Any], *, colour: bool) -> str:
    """Text of rich renderables; colour only for a terminal (rich respects NO_COLOR)."""
    width = None if colour else PIPED_WIDTH
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=colour or None, markup=False, highlight=False, emoji=False)
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def is_terminal() -> bool:
    """Whether the result goes to a person's terminal."""
    return sys.stdout.isatty()


def _table(columns: list[tuple[str, str]]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name, justify in columns:
        table.add_column(name, justify=justify, overflow="fold", no_wrap=justify == "right")  # type: ignore[arg-type]
    return table


def analysis_table(analysis: Analysis, depth: int | None, *, colour: bool = False) -> str:
    """The table of `archlab analyze`: one row for each layer or folded scope, then totals and conventions."""
    table = _table(
        [
            ("layer", "left"),
            ("type", "left"),
            ("output", "left"),
            ("params", "right"),
            ("MACs", "right"),
            ("FLOPs", "right"),
            ("memory", "right"),
            ("receptive field", "right"),
            ("stride", "right"),
        ]
    )
    for row in fold(analysis, depth):
        table.add_row(*_cells(row))
    lines = [f"{label:<16}{text}" for label, text in totals(analysis)]
    return _render([heading(analysis), table, "\n".join(lines), "\n".join(CONVENTIONS)], colour=colour)


def _cells(row: FoldedRow) -> list[str]:
    return [
        row.path,
        row.what,
        row.output,
        f"{row.params:,}" if row.params else "-",
        si(row.macs) if row.macs else "-",
        si(row.flops) if row.flops else "-",
        binary(row.activation_bytes) if row.activation_bytes else "-",
        field_text(row.receptive_field),
        stride_text(row.receptive_field),
    ]


def comparison_table(analyses: list[Analysis], *, colour: bool = False) -> str:
    """The table of `archlab compare`: one row for each network, then the conventions."""
    numbers = ("layers", "params", "MACs", "FLOPs", "activations", "memory", "receptive field", "stride")
    table = _table([("network", "left"), ("input", "left"), *((name, "right") for name in numbers)])
    for analysis in analyses:
        total = analysis.total
        table.add_row(
            analysis.graph.name,
            shape_text(tuple(analysis.input_shape)),
            str(len(analysis.layers)),
            f"{total.params:,}",
            si(total.macs),
            si(total.flops),
            si(total.activations),
            binary(total.memory.inference_peak),
            field_text(total.receptive_field),
            stride_text(total.receptive_field),
        )
    return _render([table, "\n".join(CONVENTIONS)], colour=colour)


def rows_table(rows: list[Row], *, colour: bool = False) -> str:
    """Any flat rows as a table; numbers to the right."""
    if not rows:
        return ""
    first = rows[0]
    table = _table([(name, "right" if isinstance(value, int | float) else "left") for name, value in first.items()])
    for row in rows:
        table.add_row(*("" if value is None else _cell(value) for value in row.values()))
    return _render([table], colour=colour)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
