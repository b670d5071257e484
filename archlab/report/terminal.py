"""Texts and tables behind one another, as they go to a terminal, a pipe or a file.

Only a terminal needs rich, which wraps and colours; it is not imported for anything else.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from archlab.report.grid import Grid

PIPED_WIDTH = 400
"""Columns when the output is no terminal: wide enough that nothing is cut."""
BAR_WIDTH = 12
_EIGHTHS = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589"
"""Blocks of no, one, two, ... eighths of a column."""


def width_of(*, colour: bool) -> int:
    """Columns that there are."""
    return shutil.get_terminal_size().columns if colour else PIPED_WIDTH


def bar(share: float) -> str:
    """A bar of a share of `BAR_WIDTH` columns, to an eighth of a column."""
    eighths = round(share * BAR_WIDTH * 8)
    return "\u2588" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def render(parts: Iterable[str | Grid], *, colour: bool) -> str:
    """The parts as text; names in them are data, no markup.

    Args:
        parts: texts, which are wrapped in a terminal only, and tables.
        colour: whether they go to a person's terminal (rich respects NO_COLOR).
    """
    if colour:
        from archlab.report.coloured import coloured

        text = coloured(parts, width_of(colour=True))
    else:
        text = "".join([part.text() if isinstance(part, Grid) else f"{part}\n" for part in parts])
    return "\n".join([line.rstrip() for line in text.splitlines()]) + "\n"
