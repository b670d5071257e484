"""What a terminal shows: tables and texts that fit its width, no word broken and no number cut."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence

from archlab.diagnostics.spelling import argument
from archlab.report.grid import GAP, Grid, GridColumn, Prose, cell_width
from archlab.report.wrapped import cell_lines, least_width, wrapped

Part = str | Grid | Prose


def fitted(parts: Iterable[Part], width: int) -> str:
    """The parts, one below the other.

    Args:
        parts: texts and tables.
        width: columns of the terminal.
    """
    lines: list[str] = []
    for part in parts:
        if isinstance(part, Grid):
            lines += _table(part, width)
        elif isinstance(part, Prose):
            lines += wrapped(" ".join(part.lines), width)
        else:
            lines += [line for text in part.split("\n") for line in wrapped(text, width)]
    return "\n".join(lines) + "\n"


def fitted_text(text: str, width: int) -> str:
    """A text whose lines are broken between words where they are too long; quoted lines of a config are not."""
    return "\n".join([part for line in text.split("\n") for part in _fitted_line(line, width)])


def _fitted_line(line: str, width: int) -> list[str]:
    is_whole = cell_width(line) <= width or "\x1b" in line or _QUOTED.match(line)
    return [line] if is_whole else wrapped(line, width)


_QUOTED = re.compile(r" *\d* \|")


def _table(grid: Grid, width: int) -> list[str]:
    """The columns that fit, and which do not."""
    natural = grid.widths()
    kept = _kept(grid, natural, width)
    widths = _shrunk(grid, kept, natural, width)
    shown = Grid([grid.columns[index] for index in kept])
    rows = [tuple([row[index] for index in kept]) for row in grid.rows]
    if widths == [natural[index] for index in kept]:
        shown.rows = rows
    else:
        shown.rows = [line for row in rows for line in _row_lines(row, shown.columns, widths)]
    lines = shown.text().split("\n")[:-1]
    lines[1] = bold(lines[1].rstrip())
    return lines + _left_out(grid, kept, width)


def _kept(grid: Grid, natural: list[int], width: int) -> list[int]:
    """The indices of the columns to show: the most dispensable left out until the rest fits."""
    columns = grid.columns
    least = [_least(grid, index) if columns[index].flows else natural[index] for index in range(len(columns))]
    kept = list(range(len(columns)))
    dispensable = sorted([i for i in kept if columns[i].rank], key=lambda i: columns[i].rank)
    while dispensable and _total([least[i] for i in kept]) > width:
        kept.remove(dispensable.pop())
    return kept


def _total(widths: Sequence[int]) -> int:
    """Columns of a table, with its margin and the gaps."""
    return 1 + sum(widths) + len(GAP) * (len(widths) - 1)


def _least(grid: Grid, index: int) -> int:
    """Columns to which a column of texts may shrink."""
    column = grid.columns[index]
    texts = [row[index] for row in grid.rows]
    return max(least_width(texts, flows=column.flows), cell_width(column.name))


def _shrunk(grid: Grid, kept: list[int], natural: list[int], width: int) -> list[int]:
    """The columns' widths: sentences give way first, then paths; numbers never."""
    widths = [natural[index] for index in kept]
    for flows in (True, False):
        for place in sorted(range(len(kept)), key=lambda place: -widths[place]):
            column = grid.columns[kept[place]]
            excess = _total(widths) - width
            if excess > 0 and column.flows == flows and column.justify == "left":
                widths[place] = max(widths[place] - excess, _least(grid, kept[place]))
    return widths


def _row_lines(cells: Sequence[str], columns: list[GridColumn], widths: list[int]) -> list[tuple[str, ...]]:
    """A row as one line, or several where texts go on."""
    broken = [
        cell_lines(cell, width) if column.justify == "left" else [cell]
        for cell, column, width in zip(cells, columns, widths, strict=True)
    ]
    most = max(map(len, broken))
    return list(zip(*[lines + [""] * (most - len(lines)) for lines in broken], strict=True))


def _left_out(grid: Grid, kept: list[int], width: int) -> list[str]:
    """Which columns are not shown, and how to get them."""
    names = [column.name for index, column in enumerate(grid.columns) if index not in kept and column.name]
    if not names:
        return []
    how = f"a wider terminal or {argument(grid.asked_by)}" if grid.asked_by else "a wider terminal"
    them = "it" if len(names) == 1 else "them"
    return [*wrapped(f"Left out in {width} columns: {', '.join(names)}; {how} shows {them}.", width), ""]


def bold(text: str) -> str:
    """A text in bold, where the terminal has it and nobody objects (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not text.strip():
        return text
    return f"\x1b[1m{text}\x1b[0m"
