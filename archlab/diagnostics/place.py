"""Places: a stretch of a text that messages point at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple


@dataclass(frozen=True)
class Source:
    """A config's text, the name it is shown under, and the folder that relative paths in it start from."""

    name: str
    text: str
    folder: Path | None = None

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return [line.rstrip("\r") for line in self.text.split("\n")]

    def line(self, number: int) -> str:
        """Line `number`, counted from 0; empty if there is none."""
        return self.lines[number] if 0 <= number < len(self.lines) else ""


class Place(NamedTuple):
    """A stretch of text. Lines and columns count from 0; the end is exclusive."""

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int

    def within(self, start: int, length: int) -> Place:
        """A part of a place that lies on one line."""
        column = self.column + start
        return Place(self.source, self.line, column, self.line, column + max(1, length))

    @property
    def text(self) -> str:
        """`file:line:column`, counted from 1 as editors do."""
        return f"{printable(self.source.name)}:{self.line + 1}:{self.column + 1}"


def printable(text: str) -> str:
    """Text without control characters, one character for each, so that columns stay true and terminals safe."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else (" " if c == "\t" else "\N{REPLACEMENT CHARACTER}") for c in text)
