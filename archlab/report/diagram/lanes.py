"""Lanes beside a diagram, for the lines of edges that lead past too many rows to go between their boxes."""

from __future__ import annotations

from collections.abc import Iterable

MOST_LANES = 100


def lanes(spans: Iterable[tuple[int, int]], positions: int) -> dict[tuple[int, int], int]:
    """A lane for each span so that no two in one lane share a position, short ones next to the boxes (the highest).

    Where lanes run out, the outermost takes what is left.

    Args:
        spans: the first and the last position of each, from -1.
        positions: how many there are.
    """
    taken = _Lanes(positions + 1)
    found: dict[tuple[int, int], int] = {}
    for first, end in sorted(set(spans), key=lambda span: (span[1] - span[0], span)):
        found[first, end] = taken.take(first + 1, end + 1)
    last = max(found.values(), default=0)
    return {span: last - lane for span, lane in found.items()}


class _Lanes:
    """Which lanes are taken beside which boxes: a tree of ranges, each with a bit for each lane."""

    def __init__(self, positions: int) -> None:
        self._leaves = 1 << (positions - 1).bit_length()
        self._whole = [0] * (2 * self._leaves)
        """Lanes taken along a whole range."""
        self._any = [0] * (2 * self._leaves)
        """Lanes taken somewhere in a range."""

    def take(self, first: int, last: int) -> int:
        """The first lane that is free from one position to another, both among them; it is taken then."""
        used, parts, above = 0, [], set()
        left, right = first + self._leaves, last + self._leaves
        while left <= right:
            if left & 1:
                parts.append(left)
                left += 1
            if not right & 1:
                parts.append(right)
                right -= 1
            left, right = left >> 1, right >> 1
        for part in parts:
            used |= self._any[part]
            part >>= 1  # noqa: PLW2901 - up to the root
            while part and part not in above:
                above.add(part)
                used |= self._whole[part]
                part >>= 1  # noqa: PLW2901
        lane = min((~used & (used + 1)).bit_length() - 1, MOST_LANES - 1)
        for part in parts:
            self._whole[part] |= 1 << lane
            self._any[part] |= 1 << lane
        for part in above:
            self._any[part] |= 1 << lane
        return lane
