"""Texts and tables behind one another, as they go to a terminal, a pipe or a file.

Only a terminal needs what fits tables and texts to its width, which is not imported for anything else.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from archlab.report.grid import Grid, Prose

LEAST_WIDTH = 40
"""Columns below which a terminal is not believed."""
BAR_WIDTH = 12
_EIGHTHS = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589"
"""Blocks of no, one, two, ... eighths of a column."""
Part = str | Grid | Prose


def terminal_width() -> int:
    """Columns of the terminal."""
    return max(shutil.get_terminal_size().columns, LEAST_WIDTH)


def bar(share: float) -> str:
    """A bar of a share of `BAR_WIDTH` columns, to an eighth of a column."""
    eighths = round(share * BAR_WIDTH * 8)
    return "\u2588" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def render(parts: Iterable[Part], *, colour: bool) -> str:
    """The parts as text; names in them are data, no markup.

    Args:
        parts: texts, which are wrapped in a terminal only, and tables.
        colour: whether they go to a person's terminal.
    """
    if colour:
        from archlab.report.fitted import fitted

        text = fitted(parts, terminal_width())
    else:
        text = "".join([_whole(part) for part in parts])
    return "\n".join([line.rstrip() for line in text.splitlines()]) + "\n"


def _whole(part: Part) -> str:
    """As it is written to a pipe or a file."""
    if isinstance(part, Grid):
        return part.text()
    return "".join([f"{line}\n" for line in (part.lines if isinstance(part, Prose) else [part])])
