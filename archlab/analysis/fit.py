"""The largest batch that fits a given memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

MOST_SAMPLES = 1 << 24
"""Where the search ends: no one has such a batch."""


class Fit(NamedTuple):
    """The largest batch.

    Attributes:
        batch: number of samples; 0 if not even one fits.
        peak: bytes that it needs; of one sample if none fits.
    """

    batch: int
    peak: int


def largest_batch(peak_of: Callable[[int], int], limit: int) -> Fit:
    """Search by doubling, then by halving the interval: a larger batch never needs less.

    Args:
        peak_of: bytes that a batch needs.
        limit: bytes that there are.
    """
    fits, peak = 0, peak_of(1)
    if peak > limit:
        return Fit(0, peak)
    fits, fails = 1, 2
    while fails <= MOST_SAMPLES and (needed := peak_of(fails)) <= limit:
        fits, peak, fails = fails, needed, 2 * fails
    if fails > MOST_SAMPLES:
        return Fit(fits, peak)
    while fails - fits > 1:
        middle = (fits + fails) // 2
        needed = peak_of(middle)
        if needed <= limit:
            fits, peak = middle, needed
        else:
            fails = middle
    return Fit(fits, peak)
