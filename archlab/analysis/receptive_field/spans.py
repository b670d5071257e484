"""Which positions belong together along one axis (what a unit sees, what a position reaches): sets of integers.

A `Span` is an interval with, where it has holes, a bit mask of the positions that are really read.
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_TRACKED = 1 << 17
"""Longest interval whose holes are tracked; beyond it the coverage is unknown, the interval still exact."""

MASK_UNIT = 1000
"""Positions of a mask that are handled in about a microsecond, and kept in about a hundred bytes."""

DENSE = 0
UNTRACKED = -1

Span = tuple[int, int, int]
"""First and last position (inclusive), and the mask: bit i for position first + i, `DENSE` if all, `UNTRACKED`."""

NOTHING: Span = (0, -1, DENSE)
"""The span of a unit that reads no input (a transposed convolution with gaps): its size is zero."""


def size_of(span: Span) -> int:
    """Length of the interval, holes included."""
    return span[1] - span[0] + 1


def coverage_of(span: Span) -> float | None:
    """Share of the interval that is really read; None if not tracked."""
    first, last, mask = span
    if mask == UNTRACKED:
        return None
    return 1.0 if mask == DENSE else mask.bit_count() / (last - first + 1)


def slid(span: Span, count: int, step: int) -> Span:
    """The union of `count` copies, each `step` further."""
    first, last, mask = span
    end = last + (count - 1) * step
    if last < first:
        return NOTHING
    if mask == DENSE and (count == 1 or step <= last - first + 1):
        return first, end, DENSE
    if mask == UNTRACKED or end - first >= MAX_TRACKED:
        return first, end, UNTRACKED
    return first, end, _normal(_repeat(_bits(span), count, step), end - first + 1)


def union(spans: Sequence[Span]) -> Span:
    """The union of spans: the smallest interval around them, and what of it is read."""
    if not spans:
        return NOTHING
    if len(spans) > 2:
        run = _one_run(spans)
        if run is not None:
            return run
    merged = spans[0]
    for span in spans[1:]:
        merged = _union_of_two(merged, span)
    return merged


def _one_run(spans: Sequence[Span]) -> Span | None:
    """The union of spans without holes that leave no gap, whatever their order: no mask is made on the way."""
    start, end = 0, -1
    for first, last, mask in sorted(spans):
        if mask != DENSE:
            return None
        if end < start:
            start, end = first, last
        elif first <= last:
            if first > end + 1:
                return None
            end = max(end, last)
    return start, end, DENSE


def thinned(span: Span, step: int) -> Span:
    """The multiples of a step among the positions, divided by it; the holes must be tracked."""
    first, last, mask = span
    if step == 1:
        return span
    low, high = -(-first // step), last // step
    if high < low:
        return NOTHING
    if mask == DENSE:
        return low, high, DENSE
    bits = bin(mask)[:1:-1]  # the first position's bit first
    return masked(low, int("0" + bits[low * step - first :: step][::-1], 2))


def within(span: Span, size: int) -> Span:
    """The positions from 0 to `size` - 1 alone; the holes must be tracked."""
    first, last, mask = span
    if first >= 0 and last < size:
        return span
    low, high = max(first, 0), min(last, size - 1)
    if high < low:
        return NOTHING
    if mask == DENSE:
        return low, high, DENSE
    return masked(low, (mask >> (low - first)) & ((1 << (high - low + 1)) - 1))


def masked(low: int, mask: int) -> Span:
    """The span of a mask: bit `i` for position `low + i`."""
    if not mask:
        return NOTHING
    empty = (mask & -mask).bit_length() - 1
    mask >>= empty
    size = mask.bit_length()
    return low + empty, low + empty + size - 1, _normal(mask, size)


def moved(span: Span, by: int) -> Span:
    """The same positions, further on."""
    first, last, mask = span
    return span if last < first else (first + by, last + by, mask)


def mirrored(span: Span) -> Span:
    """The positions with the other sign; the holes must be tracked."""
    first, last, mask = span
    if last < first:
        return span
    return -last, -first, mask if mask == DENSE else int(bin(mask)[:1:-1], 2)


def runs_of(span: Span) -> list[tuple[int, int]]:
    """First and last position of each run of positions without a hole; the holes must be tracked."""
    first, last, mask = span
    if last < first:
        return []
    if mask == DENSE:
        return [(first, last)]
    runs: list[tuple[int, int]] = []
    while mask:
        gap = (mask & -mask).bit_length() - 1
        mask >>= gap
        length = (~mask & (mask + 1)).bit_length() - 1
        runs.append((first + gap, first + gap + length - 1))
        first += gap + length
        mask >>= length
    return runs


def work_of(span: Span) -> int:
    """What handling a span costs, in steps of about a microsecond."""
    return 1 if span[2] in (DENSE, UNTRACKED) else 1 + (span[1] - span[0]) // MASK_UNIT


def _union_of_two(a: Span, b: Span) -> Span:
    if a == b or b[1] < b[0]:
        return a
    if a[1] < a[0]:
        return b
    first, last = min(a[0], b[0]), max(a[1], b[1])
    touching = a[0] <= b[1] + 1 and b[0] <= a[1] + 1
    if touching and a[2] == DENSE and b[2] == DENSE:
        return first, last, DENSE
    if UNTRACKED in (a[2], b[2]) or last - first >= MAX_TRACKED:
        return first, last, UNTRACKED
    mask = (_bits(a) << (a[0] - first)) | (_bits(b) << (b[0] - first))
    return first, last, _normal(mask, last - first + 1)


def _repeat(mask: int, count: int, step: int) -> int:
    """The union of `count` copies of a mask, each `step` further, by doubling."""
    done = 1
    result = mask
    while done < count:
        more = min(done, count - done)
        result |= result << (more * step)
        done += more
    return result


def _bits(span: Span) -> int:
    first, last, mask = span
    return mask if mask != DENSE else (1 << (last - first + 1)) - 1


def _normal(mask: int, size: int) -> int:
    """`DENSE` for a mask without holes."""
    return DENSE if mask == (1 << size) - 1 else mask
