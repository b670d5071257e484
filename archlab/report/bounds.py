"""How much a form for people shows. CSV and JSON, which programs read, are complete whatever the size."""

from __future__ import annotations

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem

MOST_ROWS = 10_000
"""Rows of a page, a workbook, and a Markdown or LaTeX table."""


def check_rows(rows: int, form: str, *, advice: str = "") -> None:
    """Refuse a form of too many rows.

    Args:
        rows: that it would have.
        form: what it is called: `a workbook`.
        advice: what makes fewer rows, if anything does.

    Raises:
        ConfigError: if they are too many.
    """
    if rows > MOST_ROWS:
        raise single_problem(
            f"{rows:,} rows are too many for {form}, which has at most {MOST_ROWS:,}; "
            f"{advice}write .csv or .json, which have them all",
            Code.TOO_LARGE,
        )
