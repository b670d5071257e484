"""Tables of texts, before anything is known of where they go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Justify = Literal["left", "right"]
GAP = "   "
"""Between two columns."""


class GridColumn(NamedTuple):
    """A column of a table: its heading, and to which side its cells go."""

    name: str
    justify: Justify = "left"


@dataclass(slots=True)
class Grid:
    """A table of texts.

    Attributes:
        columns: their headings; one without a heading holds bars.
        rows: a cell for each column.
    """

    columns: list[GridColumn]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def widths(self) -> list[int]:
        """The widest cell of each column, its heading among them."""
        cells = zip(*self.rows, strict=True) if self.rows else [() for _ in self.columns]
        return [
            max(cell_width(column.name), *map(cell_width, texts)) if texts else cell_width(column.name)
            for column, texts in zip(self.columns, cells, strict=True)
        ]

    def text(self) -> str:
        """The table as it is written to a pipe or a file: no cell is wrapped or cut."""
        widths = self.widths()

        def line(cells: Iterable[str]) -> str:
            padded = zip(cells, widths, self.columns, strict=True)
            return " " + GAP.join([_padded(text, width, column.justify) for text, width, column in padded])

        head = line([column.name for column in self.columns])
        rule = " " + "\u2500" * (sum(widths) + len(GAP) * (len(widths) - 1))
        return "\n".join(["", head, rule, *map(line, self.rows), "", ""])


def grid(*columns: tuple[str, Justify]) -> Grid:
    """A table without rows."""
    return Grid([GridColumn(*column) for column in columns])


def cell_width(text: str) -> int:
    """Columns that a text takes in a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _padded(text: str, width: int, justify: Justify) -> str:
    space = " " * (width - cell_width(text))
    return space + text if justify == "right" else text + space
