"""The largest batch that fits a given memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

MOST_SAMPLES = 1 << 24
"""Where the search ends: no one has such a batch."""
MOST_INPUTS = 20_000
"""Inputs of all layers together, beyond which several walks over them take too long."""


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


Looked = tuple[int, int]
"""A batch and the bytes that it needs."""

MOST_GUESSES = 12
"""Steps along a line before the interval is halved instead: peaks are nearly straight lines, so that few do."""


def largest_batch(peak_of: Callable[[int], int], limit: int, least: int = 1, *, fixed: int = 0) -> Fit:
    """Search along the line through the last two peaks: a larger batch never needs less.

    Args:
        peak_of: bytes that a batch needs.
        limit: bytes that there are.
        least: the smallest batch that runs.
        fixed: bytes that the peak has whatever the batch, or less: where the first line begins.
    """
    before, low = (0, fixed), (least, peak_of(least))
    if low[1] > limit:
        return Fit(0, low[1], least)
    high: Looked | None = None  # the smallest batch known not to fit
    guesses = 0
    while low[0] < MOST_SAMPLES and (high is None or high[0] - low[0] > 1):
        batch = _next(before, low, high, limit, straight=guesses < MOST_GUESSES)
        guesses += 1
        peak = peak_of(batch)
        if peak <= limit:
            before, low = low, (batch, peak)
        else:
            high = batch, peak
    return Fit(*low, least)


def _next(before: Looked, low: Looked, high: Looked | None, limit: int, *, straight: bool) -> int:
    """The batch to try, between the largest that fits and the smallest that does not.

    Args:
        before: what fitted before `low`; the beginning of the line where nothing did.
        low: the largest batch known to fit.
        high: the smallest known not to; None where there is none yet.
        limit: bytes that there are.
        straight: along a line through two of them; else by doubling and halving.
    """
    end = MOST_SAMPLES if high is None else high[0] - 1
    other = before if high is None else high
    grown = other[1] - low[1]
    if high is None and not straight:
        guess = 2 * low[0]
    elif not straight:
        guess = (low[0] + end + 1) // 2
    elif grown == 0:
        guess = end
    else:
        guess = low[0] + (limit - low[1]) * (other[0] - low[0]) // grown
    return min(max(guess, low[0] + 1), end)
