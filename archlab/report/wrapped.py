"""Texts broken between words, never within one."""

from __future__ import annotations

import re

from archlab.report.grid import cell_width

_WORDS = re.compile(r"\S+\s*")
_PIECES = re.compile(r"[^./]*[./]?")
"""Of a word that is longer than its column: names between the dots of a path."""
_LABEL = re.compile(r" *\S+(?: \S+)* {2,}(?=\S)")
"""`params     ` in front of its text."""


def wrapped(line: str, width: int) -> list[str]:
    """A line as several that fit a width; those behind the first stand below what its label leads to.

    A word that is wider than the width has a line of its own, whole.
    """
    if cell_width(line) <= width:
        return [line]
    hang = _hang(line, width)
    lead = line[: len(line) - len(line.lstrip(" "))]
    lines, current = [], lead
    for word in _WORDS.findall(line):
        if current.strip() and cell_width(current + word.rstrip()) > width:
            lines.append(current.rstrip())
            current = " " * hang
        current += word
    return [*lines, current.rstrip()]


def _hang(line: str, width: int) -> int:
    """How far the lines behind the first are indented."""
    label = _LABEL.match(line)
    if label and label.end() <= width // 2:
        return label.end()
    return min(len(line) - len(line.lstrip(" ")), width // 2)


def cell_lines(text: str, width: int) -> list[str]:
    """A cell as several lines: broken between words, and within a path that is wider than the column at its dots."""
    if cell_width(text) <= width:
        return [text]
    lines = [""]
    for word in _WORDS.findall(text):
        pieces = [word] if cell_width(word.rstrip()) <= width else [piece for piece in _PIECES.findall(word) if piece]
        for piece in pieces:
            if lines[-1] and cell_width(lines[-1] + piece.rstrip()) > width:
                lines.append("")
            lines[-1] += piece
    return [line.rstrip() for line in lines]


def least_width(texts: list[str], *, flows: bool) -> int:
    """The widest word among some texts; of paths, the widest piece."""
    words = [word for text in set(texts) for word in text.split()]
    pieces = words if flows else [piece for word in words for piece in _PIECES.findall(word)]
    return max([cell_width(piece) for piece in pieces], default=0)
