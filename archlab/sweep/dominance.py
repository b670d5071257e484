"""Which of many vectors no other one dominates: none is at most as large everywhere, and smaller somewhere."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction

Column = Sequence[int] | Sequence[Fraction | int | float]


def nondominated(columns: Sequence[Column], rows: Sequence[int]) -> list[int]:
    """The rows that nothing dominates, ascending; of equal ones the first.

    Args:
        columns: what is to be small, by row.
        rows: that compete.
    """
    distinct = _distinct(columns, rows)
    if not distinct:
        return list(rows[:1])
    found: list[int] = []
    archive = Archive(len(distinct) - 1)
    before: object = None
    for vector, row in sorted(zip(zip(*distinct, strict=True), rows, strict=True)):
        if vector != before and archive.add(vector[1:]):
            found.append(row)
        before = vector
    return sorted(found)


def _distinct(columns: Sequence[Column], rows: Sequence[int]) -> list[list[int]]:
    """The columns of these rows as ranks, without those that are equal everywhere; that with most values first."""
    found: dict[tuple[int, ...], int] = {}
    for column in columns:
        values = [column[row] for row in rows]
        rank = {value: place for place, value in enumerate(sorted(set(values)))}
        if len(rank) > 1:
            found[tuple([rank[value] for value in values])] = len(rank)
    return [list(ranks) for ranks, _ in sorted(found.items(), key=lambda pair: -pair[1])]


class Archive:
    """Vectors that do not dominate one another, which are added in lexicographic order of something in front of them.

    Args:
        length: of a vector.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._stairs: dict[tuple[int, ...], Stairs] = {}
        self._groups: list[tuple[int, ...]] = []

    def add(self, vector: tuple[int, ...]) -> bool:
        """Add a vector; False if one that is there is at most as large everywhere."""
        if self._length == 0:
            vector = (0, 0)
        elif self._length == 1:
            vector = (*vector, 0)
        x, y, group = vector[0], vector[1], vector[2:]
        for other in self._groups:
            if other and other[0] > group[0]:
                break
            if all(map(_at_most, other, group)) and self._stairs[other].covers(x, y):
                return False
        stairs = self._stairs.get(group)
        if stairs is None:
            stairs = self._stairs[group] = Stairs()
            self._groups.insert(bisect_left(self._groups, group), group)
        stairs.add(x, y)
        return True


def _at_most(mine: int, theirs: int) -> bool:
    return mine <= theirs


class Stairs:
    """Points in a plane that do not dominate one another."""

    def __init__(self) -> None:
        self._x: list[int] = []
        self._y: list[int] = []
        """Descending where `_x` ascends."""

    def covers(self, x: int, y: int) -> bool:
        """Whether a point is at most as large in both."""
        place = bisect_right(self._x, x)
        return place > 0 and self._y[place - 1] <= y

    def add(self, x: int, y: int) -> None:
        """Add a point that none covers."""
        start = bisect_left(self._x, x)
        stop = start
        while stop < len(self._x) and self._y[stop] >= y:
            stop += 1
        self._x[start:stop] = [x]
        self._y[start:stop] = [y]
