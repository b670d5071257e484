"""Where the maps, the channels and the matrix of a drawing stand, in pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from archlab.explain.drawing.geometry import Position

Point = tuple[float, float]
BETWEEN_SLICES = 10
"""Between the slices of a map of three axes."""


@dataclass(frozen=True)
class Board:
    """A map of squares; one of three axes is its slices, side by side.

    Attributes:
        left: of the first column.
        top: of the first row.
        cell: a square's side.
        first: the first place along each axis.
        last: the last place along each axis.
    """

    left: int
    top: int
    cell: int
    first: Position
    last: Position

    @property
    def columns(self) -> int:
        """Squares side by side."""
        return self.last[-1] - self.first[-1] + 1

    @property
    def rows(self) -> int:
        """Squares one above another."""
        return self.last[-2] - self.first[-2] + 1 if len(self.first) > 1 else 1

    @property
    def slices(self) -> int:
        """Maps side by side."""
        return self.last[0] - self.first[0] + 1 if len(self.first) > 2 else 1

    @property
    def right(self) -> int:
        """Behind the last column."""
        return self.left + self.slices * self.columns * self.cell + (self.slices - 1) * BETWEEN_SLICES

    @property
    def bottom(self) -> int:
        """Below the last row."""
        return self.top + self.rows * self.cell

    def corner(self, place: Position) -> tuple[int, int]:
        """A square's left and top."""
        row = place[-2] - self.first[-2] if len(place) > 1 else 0
        left = self.left + (place[-1] - self.first[-1]) * self.cell
        if len(place) > 2:
            left += (place[0] - self.first[0]) * (self.columns * self.cell + BETWEEN_SLICES)
        return left, self.top + row * self.cell

    def centre(self, place: Iterable[float]) -> Point:
        """Of a square, or of a point between squares."""
        at = list(place)
        row = at[-2] - self.first[-2] if len(at) > 1 else 0
        x = self.left + (at[-1] - self.first[-1] + 0.5) * self.cell
        if len(at) > 2:
            x += (at[0] - self.first[0]) * (self.columns * self.cell + BETWEEN_SLICES)
        return x, self.top + (row + 0.5) * self.cell

    def places(self) -> Iterator[Position]:
        """Every square, row by row."""
        return product(*[range(first, last + 1) for first, last in zip(self.first, self.last, strict=True)])

    def squares(self, places: Iterable[Position], inset: int = 0) -> str:
        """The path of some squares."""
        side = self.cell - 2 * inset
        parts: list[str] = []
        for place in places:
            x, y = self.corner(place)
            parts.append(f"M{x + inset} {y + inset}h{side}v{side}h{-side}z")
        return "".join(parts)


def board(left: int, top: int, cell: int, first: Position, last: Position) -> Board:
    """A map of squares; one of one axis is a row."""
    return Board(left, top, cell, first, last)


def number(value: float) -> str:
    """A coordinate in as few letters as it needs."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def glyphs(spots: Iterable[tuple[Point, str]], classes: str) -> str:
    """Single letters at points, as one element; empty where there are none."""
    found = list(spots)
    if not found:
        return ""
    x = " ".join([number(point[0]) for point, _ in found])
    y = " ".join([number(point[1]) for point, _ in found])
    return f'<text class="{classes}" x="{x}" y="{y}">{"".join(letter for _, letter in found)}</text>'
