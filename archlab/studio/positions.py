"""Places of a text as the page has them: lines and columns from 0, columns in UTF-16 units, as browsers count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archlab.diagnostics.place import Place, Source

Row = dict[str, Any]


def units(text: str) -> int:
    """UTF-16 units of a text."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def column_at(line: str, column: int) -> int:
    """The character of a line that stands at a column in units; the line's end where it is shorter."""
    if line.isascii():
        return min(column, len(line))
    before = 0
    for number, character in enumerate(line):
        if before >= column:
            return number
        before += 2 if ord(character) > 0xFFFF else 1
    return len(line)


def column_of(source: Source, line: int, column: int) -> int:
    """A column in units."""
    return units(source.line(line)[:column])


def stretch(place: Place) -> Row:
    """A stretch of text."""
    source = place.source
    return {
        "line": place.line,
        "column": column_of(source, place.line, place.column),
        "end_line": place.end_line,
        "end_column": column_of(source, place.end_line, place.end_column),
    }


def line_in(place: Place | None, source: Source) -> int | None:
    """The line of a place; None where it is in another text."""
    return place.line if place is not None and place.source is source else None


def within(rows: Iterable[Row], most: int) -> list[Row]:
    """The first of some rows, as many as have so many characters together: names may be long."""
    found: list[Row] = []
    for row in rows:
        most -= len(str(row))
        if most < 0:
            break
        found.append(row)
    return found
