"""Flat rows as CSV, Markdown and HTML."""

from __future__ import annotations

import csv
from html import escape
from io import StringIO
from typing import TYPE_CHECKING

from archlab.analysis.row import Row
from archlab.report.bounds import check_rows
from archlab.report.columns import tabulate
from archlab.report.escape import markdown_text, spreadsheet_text
from archlab.report.fold import fold
from archlab.report.footer import conventions, heading, totals
from archlab.report.grid import Grid, with_units
from archlab.report.rows import layer_rows
from archlab.report.table import layer_columns

if TYPE_CHECKING:
    from archlab.analysis.result import Analysis


def rows_csv(rows: list[Row]) -> str:
    """Comma-separated values with a header (RFC 4180, but with line feeds); no text is a formula."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = list(rows[0]) if rows else []
    writer.writerow(names)
    writer.writerows([[spreadsheet_text(row[name]) for name in names] for row in rows])
    return out.getvalue()


def rows_markdown(rows: list[Row]) -> str:
    """A Markdown table; numbers to the right.

    Raises:
        ConfigError: for too many rows.
    """
    check_rows(len(rows), "a Markdown table")
    if not rows:
        return ""
    rule = ["---:" if isinstance(value, int | float) else "---" for value in rows[0].values()]
    lines = [_markdown_line(list(rows[0])), _markdown_line(rule)]
    lines += [_markdown_line([_markdown_cell(value) for value in row.values()]) for row in rows]
    return "\n".join(lines) + "\n"


def grid_markdown(grid: Grid) -> str:
    """A table for people in Markdown, in the units that it has: what fits in a README.

    Args:
        grid: the table.

    Raises:
        ConfigError: for too many rows.
    """
    check_rows(len(grid.rows), "a Markdown table")
    heads, columns = with_units(grid)
    rule = ["---" if column.justify == "left" else "---:" for column in grid.columns]
    cells = [[markdown_text(cell) for cell in row] for row in zip(*columns, strict=True)]
    return "\n".join([_markdown_line(line) for line in [heads, rule, *cells]]) + "\n"


def _markdown_line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_cell(value: object) -> str:
    return "" if value is None else f"{value:,}" if type(value) is int else markdown_text(str(value))


def analysis_markdown(analysis: Analysis) -> str:
    """The layers as a Markdown table, with heading, totals and conventions."""
    rows = layer_rows(analysis)
    lines = [f"- {label}: {_markdown_cell(text)}" for label, text in totals(analysis)]
    title = f"## {_markdown_cell(heading(analysis))}"
    return "\n".join([title, "", *lines, "", rows_markdown(rows), *conventions([analysis])]) + "\n"


def rows_html(rows: list[Row]) -> str:
    """An HTML table; every text is escaped."""
    if not rows:
        return "<table></table>"
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    body = "".join(f"<tr>{''.join(_html_cell(value) for value in row.values())}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html_cell(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f'<td style="text-align:right">{value:,}</td>'
    return f"<td>{escape('' if value is None else str(value))}</td>"


def analysis_html(analysis: Analysis) -> str:
    """Heading, totals, and the blocks as a table for notebooks; all layers, and what the numbers mean, are folded."""
    rows = layer_rows(analysis)
    shown = rows[:MOST_SHOWN]
    more = f"<p>The first {MOST_SHOWN:,}; to_dataframe() has all.</p>" if len(rows) > MOST_SHOWN else ""
    lines = "".join(f"<li>{escape(label)}: {escape(text)}</li>" for label, text in totals(analysis))
    notes = "".join(f"<div><small>{escape(text)}</small></div>" for text in conventions([analysis]))
    layers = f"<details><summary>{len(rows):,} layers</summary>{rows_html(shown)}{more}</details>"
    blocks = grid_html(tabulate(layer_columns(max(analysis.total.macs, 1)), fold(analysis, 1)))
    meaning = f"<details><summary>what the numbers mean</summary>{notes}</details>"
    return f"<div><b>{escape(heading(analysis))}</b><ul>{lines}</ul>{blocks}{layers}{meaning}</div>"


MOST_SHOWN = 2_000
"""Layers in a notebook."""


def grid_html(grid: Grid) -> str:
    """A table as HTML."""
    sides = [' style="text-align:right"' if column.justify == "right" else "" for column in grid.columns]
    head = "".join(f"<th{side}>{escape(column.name)}</th>" for column, side in zip(grid.columns, sides, strict=True))
    body = "".join(
        f"<tr>{''.join(f'<td{side}>{escape(cell)}</td>' for cell, side in zip(row, sides, strict=True))}</tr>"
        for row in grid.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
