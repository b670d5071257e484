"""Texts and tables behind one another, as they go to a terminal, a pipe or a file."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table

PIPED_WIDTH = 400
"""Columns when the output is no terminal: wide enough that nothing is cut."""


def width_of(*, colour: bool) -> int:
    """Columns that there are."""
    return shutil.get_terminal_size().columns if colour else PIPED_WIDTH


def plain_table() -> Table:
    """A table without columns, in the look of all."""
    return Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")


def widest(cells: Sequence[str]) -> int:
    """Columns of the terminal that the widest of some texts takes."""
    if all(map(str.isascii, cells)):
        return max(map(len, cells))
    return max(map(cell_len, cells))


MOST_ROWS = 500
"""Rows beyond which rich, which measures every cell for wrapping, would take seconds."""
_GAP = "   "


class LongTable(NamedTuple):
    """A table of more rows than rich can lay out.

    Attributes:
        columns: texts from top to bottom, the heading first.
        rights: for each column, whether it is aligned to the right.
    """

    columns: list[list[str]]
    rights: list[bool]


def _long(table: Table) -> LongTable:
    columns = [[str(column.header), *map(str, column.cells)] for column in table.columns]
    return LongTable(columns, [column.justify == "right" for column in table.columns])


def _as_text(table: LongTable) -> str:
    """A table of texts in the same look, without wrapping."""
    widths = [widest(column) for column in table.columns]
    padded = [
        [text.rjust(width) if right else text.ljust(width) for text in column]
        for column, width, right in zip(table.columns, widths, table.rights, strict=True)
    ]
    head, *rows = [" " + _GAP.join(cells) for cells in zip(*padded, strict=True)]
    rule = " " + "\u2500" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    return "\n".join(["", head, rule, *rows, "", ""])


BAR_WIDTH = 12
_EIGHTHS = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589"
"""Blocks of no, one, two, ... eighths of a column."""


def bar(share: float) -> str:
    """A bar of a share of `BAR_WIDTH` columns, to an eighth of a column."""
    eighths = round(share * BAR_WIDTH * 8)
    return "\u2588" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def render(parts: Iterable[RenderableType | LongTable], *, colour: bool) -> str:
    """The parts as text; names in them are data, no markup.

    Args:
        parts: texts, which are wrapped in a terminal only, and tables.
        colour: whether they go to a person's terminal (rich respects NO_COLOR).
    """
    out, width = StringIO(), width_of(colour=colour)
    console = Console(
        file=out,
        width=width,
        height=2 * MOST_ROWS,  # without a height, rich takes a dumb terminal for one of 80 columns
        force_terminal=colour or None,
        markup=False,
        highlight=False,
        emoji=False,
    )
    for part in parts:
        if isinstance(part, Table) and part.row_count > MOST_ROWS:
            part = _long(part)  # noqa: PLW2901
        if isinstance(part, LongTable):
            out.write(_as_text(part))
            continue
        console.width = _least_width(part, width) if isinstance(part, Table) else width
        console.print(part, soft_wrap=not colour and isinstance(part, str))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


LEAST_TEXT = 8
"""Columns to which a column of texts may shrink."""


def _least_width(table: Table, width: int) -> int:
    """The terminal's width, or more where it is too narrow for the numbers: they are never cut.

    A column without a heading holds bars, which go first.
    """
    widths = [widest((str(column.header), *map(str, column.cells))) for column in table.columns]
    gaps = len(_GAP)
    if sum(widths) + gaps * len(widths) > width:
        named = [index for index, column in enumerate(table.columns) if column.header]
        table.columns, widths = [table.columns[index] for index in named], [widths[index] for index in named]
    for place, (column, size) in enumerate(zip(table.columns, widths, strict=True)):
        column._index = place  # noqa: SLF001 - rich pads by it
        column.min_width = size if column.justify == "right" else min(size, LEAST_TEXT)
        column.no_wrap, column.overflow = column.justify == "right", "fold"
    return max(width, sum([column.min_width or 0 for column in table.columns]) + gaps * len(widths))
