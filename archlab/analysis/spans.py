"""Which input positions a unit sees along one axis: sets of integers, kept small.

A `Span` is an interval with, where it has holes, a bit mask of the positions that are really read. An
`AxisField` holds the spans of all units of a map: they repeat with a period, moving on as they do.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import gcd, lcm

from archlab.layers.geometry import IDENTITY, Phases, Reads, Whole, Window

MAX_TRACKED = 1 << 17
"""Longest interval whose holes are tracked; beyond it the coverage is unknown, the interval still exact."""

MAX_REACH = 1 << 62
"""Farthest position: beyond it numbers would grow without end."""

MAX_PHASES = 256
"""Longest period whose spans are all kept, also those that no unit of the map has."""

DENSE = 0
UNTRACKED = -1

Span = tuple[int, int, int]
"""First and last position (inclusive), and the mask: bit i for position first + i, `DENSE` if all, `UNTRACKED`."""

NOTHING: Span = (0, -1, DENSE)
"""The span of a unit that reads no input (a transposed convolution with gaps): its size is zero."""


class AxisField:
    """The spans of all units along one axis.

    Unit `o = q * up + p` (0 <= p < up) sees `spans[p]` moved by `q * down`. Most maps have up = 1: every
    unit sees the same span, `down` further on. Where an axis has fewer than `up` units, and `up` is large, only
    theirs are kept; others, which only padding could ask for, see nothing.
    """

    __slots__ = ("down", "spans", "up")

    def __init__(self, up: int, down: int, spans: tuple[Span, ...]) -> None:
        if down > MAX_REACH or spans[0][1] > MAX_REACH:
            raise OverflowError(f"its receptive field reaches further than {MAX_REACH:,} positions")
        self.up = up
        self.down = down
        self.spans = spans

    def span(self, unit: int) -> Span:
        """What unit `unit` (which may be outside of the map) sees."""
        cycle, phase = divmod(unit, self.up)
        if phase >= len(self.spans):
            return NOTHING
        first, last, mask = self.spans[phase]
        return first + cycle * self.down, last + cycle * self.down, mask

    def counts(self, units: int) -> dict[int, int]:
        """How many of the map's `units` see a span of each size, by ascending size."""
        if self.up == 1:
            first, last, _ = self.spans[0]
            return {last - first + 1: units}
        found: dict[int, int] = {}
        for phase, (first, last, _) in enumerate(self.spans):
            size, count = last - first + 1, (units - phase + self.up - 1) // self.up
            if count > 0:
                found[size] = found.get(size, 0) + count
        return dict(sorted(found.items()))

    def cut(self, units: int, extent: int) -> int:
        """How many of the map's `units` have a span that the input's border cuts.

        Args:
            units: of the map.
            extent: positions of the input.
        """
        whole = 0
        for phase, (first, last, _) in enumerate(self.spans):
            count = (units - phase + self.up - 1) // self.up
            if self.down == 0:
                whole += count if first >= 0 and last < extent else 0
                continue
            lowest = max(0, -(first // self.down))  # the first cycle that starts inside
            highest = min(count - 1, (extent - 1 - last) // self.down)  # the last that ends inside
            whole += max(0, highest - lowest + 1)
        return units - whole

    @property
    def stride(self) -> Fraction:
        """Input positions from one unit to the next, on average."""
        return Fraction(self.down, self.up)

    @property
    def start(self) -> int:
        """First position that unit 0 sees: negative in the padding."""
        return self.spans[0][0]

    @property
    def centre(self) -> Fraction:
        """The middle of what unit 0 sees: a half where its size is even."""
        return Fraction(self.spans[0][0] + self.spans[0][1], 2)

    @property
    def sizes(self) -> list[int]:
        """The distinct lengths of the spans, in ascending order."""
        if self.up == 1:
            return [self.spans[0][1] - self.spans[0][0] + 1]
        return sorted({last - first + 1 for first, last, _ in self.spans})

    @property
    def coverage(self) -> float | None:
        """Share of the interval that is really read, the smallest over the units; None if not tracked."""
        if self.up == 1 and self.spans[0][2] == DENSE:
            return 1.0
        shares: list[float] = []
        for first, last, mask in self.spans:
            if mask == UNTRACKED:
                return None
            shares.append(1.0 if mask == DENSE else mask.bit_count() / (last - first + 1))
        return min(shares)


INPUT_AXIS = AxisField(1, 1, ((0, 0, DENSE),))
"""The input itself: each position sees itself."""


def read_through(field: AxisField | None, reads: Reads, out_size: int) -> AxisField | None:
    """The field of a layer's output from the field of its input.

    Args:
        field: of the input; None if each unit sees the whole axis.
        reads: which input units an output unit reads.
        out_size: number of output units.

    Returns:
        None if each output unit sees the whole axis.
    """
    if field is None or isinstance(reads, Whole):
        return None
    if isinstance(reads, Window):
        if reads == IDENTITY:
            return field
        if field.up == 1:
            return _slide(field, reads)
        offset = range(-reads.padding, -reads.padding + reads.kernel * reads.dilation, reads.dilation)
        return _gather(field, Phases(1, reads.stride, (tuple(offset),)), out_size)
    return _gather(field, reads, out_size)


def _slide(field: AxisField, window: Window) -> AxisField:
    """A sliding window over units that all see the same: the recurrences of Araujo et al. 2019, with holes."""
    first, last, mask = field.spans[0]
    if last < first:
        return AxisField(1, field.down * window.stride, (NOTHING,))
    jump = field.down
    step = window.dilation * jump
    origin = first - window.padding * jump
    end = origin + (last - first) + (window.kernel - 1) * step
    if mask == DENSE and (window.kernel == 1 or step <= last - first + 1):
        new_mask = DENSE
    elif mask == UNTRACKED or end - origin >= MAX_TRACKED:
        new_mask = UNTRACKED
    else:
        new_mask = _normal(_repeat(_bits(first, last, mask), window.kernel, step), end - origin + 1)
    return AxisField(1, jump * window.stride, ((origin, end, new_mask),))


def _repeat(mask: int, count: int, step: int) -> int:
    """The union of `count` copies, each `step` further, by doubling."""
    done = 1
    result = mask
    while done < count:
        more = min(done, count - done)
        result |= result << (more * step)
        done += more
    return result


def _bits(first: int, last: int, mask: int) -> int:
    return mask if mask != DENSE else (1 << (last - first + 1)) - 1


def _normal(mask: int, size: int) -> int:
    """`DENSE` for a mask without holes."""
    return DENSE if mask == (1 << size) - 1 else mask


def gathering_work(field: AxisField, reads: Reads, out_size: int) -> int:
    """How many steps `read_through` takes where units differ; 0 where they all see the same."""
    if isinstance(reads, Whole) or (isinstance(reads, Window) and (field.up == 1 or reads == IDENTITY)):
        return 0
    first, last, mask = field.spans[0]
    step = 1 if mask == DENSE else 1 + (last - first) // 1000
    taps = reads.kernel if isinstance(reads, Window) else max(map(len, reads.taps))
    stride = reads.stride if isinstance(reads, Window) else reads.down
    up = 1 if isinstance(reads, Window) else reads.up
    times = field.up // gcd(field.up, stride) if stride else 1
    return _phases_kept(up * times, out_size) * taps * step


def _gather(field: AxisField, reads: Phases, out_size: int) -> AxisField:
    """Reads that repeat with a period over units that differ with a period."""
    times = field.up // gcd(field.up, reads.down) if reads.down else 1
    up = reads.up * times
    down = reads.down * times // field.up * field.down
    spans: list[Span] = []
    for unit in range(_phases_kept(up, out_size)):
        cycle, phase = divmod(unit, reads.up)
        base = cycle * reads.down
        spans.append(union(field.span(base + tap) for tap in reads.taps[phase]))
    return AxisField(up, down, tuple(spans))


def _phases_kept(up: int, units: int) -> int:
    return up if up <= MAX_PHASES else min(up, units)


def union(spans: Iterable[Span]) -> Span:
    """The union of spans: the smallest interval around them, and what of it is read."""
    merged = NOTHING
    for span in spans:
        merged = _union_of_two(merged, span)
    return merged


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
    mask = (_bits(*a) << (a[0] - first)) | (_bits(*b) << (b[0] - first))
    return first, last, _normal(mask, last - first + 1)


def join(fields: list[AxisField], size: int) -> tuple[AxisField, bool]:
    """The union of several maps' fields unit by unit, and whether they are aligned.

    They are aligned if each unit's spans have one centre.

    Args:
        fields: of maps of one size.
        size: number of units.
    """
    merged, aligned = fields[0], True
    for field in fields[1:]:
        if field is not merged:
            merged, same = _join_two(merged, field, size)
            aligned = aligned and same
    return merged, aligned


def narrowest(fields: list[AxisField], _size: int) -> tuple[AxisField, bool]:
    """The field of the input with the smallest largest span: a join that follows one path only."""
    return min(fields, key=lambda field: field.sizes[-1]), True


def widen(reads: Reads, by: int) -> Reads:
    """Reads that reach `by` positions further on both sides of each tap (sampling with bounded offsets)."""
    if not isinstance(reads, Window) or by == 0:
        return reads
    if 2 * by + 1 >= reads.dilation:  # what the taps reach has no holes
        reach = (reads.kernel - 1) * reads.dilation + 1 + 2 * by
        return Window(reach, reads.stride, reads.padding + by, 1)
    taps = {tap * reads.dilation - reads.padding + shift for tap in range(reads.kernel) for shift in range(-by, by + 1)}
    return Phases(1, reads.stride, (tuple(sorted(taps)),))


def _join_two(a: AxisField, b: AxisField, size: int) -> tuple[AxisField, bool]:
    if a.down * b.up == b.down * a.up:
        up = lcm(a.up, b.up)
        down = a.down * (up // a.up)
    else:
        # The maps move at different speeds: every unit is a case of its own.
        up, down = a.up * size, a.down * size
    spans: list[Span] = []
    aligned = True
    for unit in range(_phases_kept(up, size)):
        one, other = a.span(unit), b.span(unit)
        spans.append(_union_of_two(one, other))
        both = one[0] <= one[1] and other[0] <= other[1]
        aligned = aligned and (not both or one[0] + one[1] == other[0] + other[1])
    return AxisField(up, down, tuple(spans)), aligned
