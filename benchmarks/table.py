"""Plain tables: the first column to the left, all others to the right."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.clock import Timing


def render(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table as text; columns are as wide as their widest cell."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = ["  ".join(_cells(line, widths)).rstrip() for line in lines]
    return "\n".join([texts[0], "-" * (sum(widths) + 2 * (len(widths) - 1)), *texts[1:]])


def _cells(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    first = line[0].ljust(widths[0])
    return [first, *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]


def milliseconds(seconds: float) -> str:
    """`12.34`."""
    return f"{seconds * 1e3:.2f}"


def ratio(timing: Timing, reference: Timing | None) -> str:
    """`12.34` for the medians, or a dash where there is nothing to compare with."""
    return "-" if reference is None else f"{timing.median / reference.median:.2f}"


def count(number: int | None) -> str:
    """`25,557,032`, or a dash."""
    return "-" if number is None else f"{number:,}"
