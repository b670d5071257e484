"""Which points of a long line are drawn."""

from __future__ import annotations

from collections.abc import Sequence

MOST_POINTS = 2_000
"""Of a line that is drawn, two for each pixel."""


def shown_points(values: Sequence[float], most: int = MOST_POINTS) -> list[int]:
    """The indices of the points that show: the first, last, lowest and highest of each stretch that is a pixel wide.

    Args:
        values: heights, from left to right at even distances.
        most: points that may be left.
    """
    if len(values) <= most:
        return list(range(len(values)))
    width = -(-4 * len(values) // most)
    shown: set[int] = set()
    for start in range(0, len(values), width):
        stretch = range(start, min(start + width, len(values)))
        shown |= {start, stretch[-1], min(stretch, key=values.__getitem__), max(stretch, key=values.__getitem__)}
    return sorted(shown)
