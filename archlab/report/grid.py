"""Tables of texts, before anything is known of where they go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Justify = Literal["left", "right"]
GAP = "   "
"""Between two columns."""


class GridColumn(NamedTuple):
    """A column of a table.

    Attributes:
        name: its heading.
        justify: numbers to the right.
        rank: how dispensable it is: a terminal too narrow for all columns loses those of the highest rank first.
        flows: whether it holds sentences, which may go on in the next line.
    """

    name: str
    justify: Justify = "left"
    rank: int = 0
    flows: bool = False


@dataclass(slots=True)
class Grid:
    """A table of texts.

    Attributes:
        columns: their headings; one without a heading holds bars.
        rows: a cell for each column.
        asked_by: the argument by which columns are chosen; empty where there is none.
    """

    columns: list[GridColumn]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    asked_by: str = ""

    def widths(self) -> list[int]:
        """The widest cell of each column, its heading among them."""
        cells = zip(*self.rows, strict=True) if self.rows else [() for _ in self.columns]
        return [widest([column.name, *texts]) for column, texts in zip(self.columns, cells, strict=True)]

    def text(self) -> str:
        """The table as it is written to a pipe or a file: no cell is wrapped or cut."""
        widths = self.widths()
        names = [column.name for column in self.columns]
        padded = [
            _padded(texts, width, column.justify)
            for texts, width, column in zip(zip(names, *self.rows, strict=True), widths, self.columns, strict=True)
        ]
        head, *lines = [" " + GAP.join(cells) for cells in zip(*padded, strict=True)]
        rule = " " + "\u2500" * (sum(widths) + len(GAP) * (len(widths) - 1))
        return "\n".join(["", head, rule, *lines, "", ""])


class Prose(NamedTuple):
    """Sentences over several lines, which a terminal fills to its own width.

    Attributes:
        lines: as they are written to a pipe or a file.
    """

    lines: tuple[str, ...]


def grid(*columns: tuple[str, Justify] | GridColumn) -> Grid:
    """A table without rows."""
    return Grid([GridColumn(*column) for column in columns])


def cell_width(text: str) -> int:
    """Columns that a text takes in a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum([2 if east_asian_width(c) in "WF" else category(c) not in ("Mn", "Me", "Cf") for c in text])


def widest(texts: Sequence[str]) -> int:
    """Columns that the widest of some texts takes."""
    return max(map(len if all(map(str.isascii, texts)) else cell_width, texts))


def _padded(texts: Sequence[str], width: int, justify: Justify) -> list[str]:
    """A column's texts, all of one width."""
    if all(map(str.isascii, texts)):
        return [text.rjust(width) if justify == "right" else text.ljust(width) for text in texts]
    spaces = [" " * (width - cell_width(text)) for text in texts]
    return [space + text if justify == "right" else text + space for text, space in zip(texts, spaces, strict=True)]


def with_units(grid: Grid) -> tuple[list[str], list[list[str]]]:
    """Headings and columns of a table; a unit that all numbers of a column have stands in its heading: `MACs (G)`."""
    heads: list[str] = []
    columns: list[list[str]] = []
    for at, column in enumerate(grid.columns):
        cells = [row[at] for row in grid.rows]
        units = {unit for number, unit in map(_number_and_unit, cells) if number}
        unit = units.pop() if len(units) == 1 else ""
        heads.append(f"{column.name} ({unit})" if unit else column.name)
        columns.append([cell.removesuffix(f" {unit}") if unit else cell for cell in cells])
    return heads, columns


def _number_and_unit(cell: str) -> tuple[str, str]:
    """`("25.56", "M")`; nothing of what is no number."""
    number, _, unit = cell.partition(" ")
    is_number = number.replace(",", "").replace(".", "", 1).isdecimal()
    return (number, unit) if is_number and (not unit or unit.isalpha()) else ("", "")
