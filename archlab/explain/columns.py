"""Texts in columns."""

from __future__ import annotations


def aligned(rows: list[list[str]], right: frozenset[int] = frozenset()) -> list[str]:
    """Cells in columns; those in `right` end at one place."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
