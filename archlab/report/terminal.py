"""Texts and tables behind one another, as they go to a terminal, a pipe or a file."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from io import StringIO
from itertools import groupby

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


MOST_ROWS = 2000
"""Rows beyond which rich, which measures every cell for wrapping, would take many seconds."""
_GAP = "   "


def _as_text(table: Table) -> str:
    """A table of texts in the same look, without wrapping."""
    columns = [[str(column.header), *map(str, column.cells)] for column in table.columns]
    rights = [column.justify == "right" for column in table.columns]
    widths = [max(map(cell_len, column)) for column in columns]

    def line(cells: tuple[str, ...]) -> str:
        padded = zip(cells, widths, rights, strict=True)
        return " " + _GAP.join([text.rjust(width) if right else text.ljust(width) for text, width, right in padded])

    head, *rows = map(line, zip(*columns, strict=True))
    rule = " " + "\u2500" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    return "\n".join(["", head, rule, *rows, "", ""])


BAR_WIDTH = 12
_EIGHTHS = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589"
"""Blocks of no, one, two, ... eighths of a column."""


def bar(share: float) -> str:
    """A bar of a share of `BAR_WIDTH` columns, to an eighth of a column."""
    eighths = round(share * BAR_WIDTH * 8)
    return "\u2588" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def render(parts: Iterable[RenderableType], *, colour: bool) -> str:
    """The parts as text; names in them are data, no markup.

    Args:
        parts: texts, which are wrapped in a terminal only, and tables.
        colour: whether they go to a person's terminal (rich respects NO_COLOR).
    """
    out = StringIO()
    console = Console(
        file=out,
        width=width_of(colour=colour),
        force_terminal=colour or None,
        markup=False,
        highlight=False,
        emoji=False,
    )
    for part in _joined(parts):
        if isinstance(part, Table) and part.row_count > MOST_ROWS:
            out.write(_as_text(part))
        else:
            console.print(part, soft_wrap=not colour and isinstance(part, str))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _joined(parts: Iterable[RenderableType]) -> list[RenderableType]:
    """The parts with neighbouring texts as one: rich takes its time for each."""
    joined: list[RenderableType] = []
    for is_text, group in groupby(parts, lambda part: isinstance(part, str)):
        if is_text:
            joined.append("\n".join(map(str, group)))
        else:
            joined.extend(group)
    return joined
