"""The largest batch that fits a given memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

MOST_SAMPLES = 1 << 24
"""Where the search ends: no one has such a batch."""


class Fit(NamedTuple):
    """The largest batch.

    Attributes:
        batch: number of samples; 0 if not even the smallest fits.
        peak: bytes that it needs; of the smallest batch if none fits.
        least: the smallest batch that runs.
    """

    batch: int
    peak: int
    least: int = 1


def largest_batch(peak_of: Callable[[int], int], limit: int, least: int = 1) -> Fit:
    """Search by doubling, then by halving the interval: a larger batch never needs less.

    Args:
        peak_of: bytes that a batch needs.
        limit: bytes that there are.
        least: the smallest batch that runs.
    """
    fits, peak = least, peak_of(least)
    if peak > limit:
        return Fit(0, peak, least)
    fails = 2 * least
    while fails <= MOST_SAMPLES and (needed := peak_of(fails)) <= limit:
        fits, peak, fails = fails, needed, 2 * fails
    if fails > MOST_SAMPLES:
        return Fit(fits, peak, least)
    while fails - fits > 1:
        middle = (fits + fails) // 2
        needed = peak_of(middle)
        if needed <= limit:
            fits, peak = middle, needed
        else:
            fails = middle
    return Fit(fits, peak, least)
