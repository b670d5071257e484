"""Fields of a layer's output from the fields of its inputs: reading through a layer, and joining maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

from archlab.analysis.receptive_field.axis_field import AxisField, Periodic, UnitTable
from archlab.analysis.receptive_field.spans import DENSE, MASK_UNIT, MAX_TRACKED, Span, slid, union, work_of
from archlab.layers.geometry import Phases, Reads, Whole, Window

MAX_PERIOD = 256
"""Longest period that is listed whole even if the map has fewer units."""

MAX_WORK = 500_000
"""Bound on the work for units that differ from one another and for masks, in steps of about a microsecond."""


class Target(NamedTuple):
    """The axis that a field is made for.

    Attributes:
        node: its index.
        axis: which of its axes.
        size: units of the map.
    """

    node: int
    axis: int
    size: int


Asked = Callable[[int, int], tuple[int, int]]
"""By index and axis of a node: the first and last unit that anything may ask for, those outside of the map that
padding behind it reads among them."""


class Shift(NamedTuple):
    """How far the centres of joined units lie apart, in input positions.

    Attributes:
        largest: over the units of the map.
        mean: over them, likewise.
    """

    largest: Fraction
    mean: Fraction


ALIGNED = Shift(Fraction(0), Fraction(0))


class Work:
    """Steps of about a microsecond, of one walk or of several together."""

    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps = 0


class Composer:
    """Makes fields, and counts the work that it takes.

    Args:
        asked: which units anything may ask for; it is called only where units have to be listed one by one.
        work: what others have done on the same account.
    """

    def __init__(self, asked: Asked, work: Work | None = None) -> None:
        self._asked = asked
        self._work = Work() if work is None else work

    def read_through(self, field: AxisField | None, reads: Reads, target: Target) -> AxisField | None:
        """The field of a layer's output from the field of its input.

        Args:
            field: of the input; None if each unit sees the whole axis.
            reads: which input units an output unit reads.
            target: the output's axis.

        Returns:
            None if each output unit sees the whole axis.

        Raises:
            OverflowError: beyond the bounds on reach and work.
        """
        if field is None or isinstance(reads, Whole):
            return None
        if isinstance(reads, Window):
            if reads.is_identity:
                return field.over(target.size)
            if isinstance(field, Periodic) and field.up == 1:
                slid_field = _slide(field, reads, target.size)
                self._spend_mask(slid_field.spans[0], 1)
                return slid_field
        return self._gather(field, reads, target)

    def join(self, fields: Sequence[AxisField], target: Target) -> tuple[AxisField, Shift]:
        """The union of several maps' fields unit by unit, and how far the units' centres lie apart.

        Args:
            fields: of maps of one size.
            target: the axis of the result.

        Raises:
            OverflowError: beyond the bound on work.
        """
        first = fields[0]
        if all(field is first for field in fields[1:]):
            return first, ALIGNED
        uniform = _join_uniform(fields, target.size)
        if uniform is not None:
            self._spend_mask(uniform[0].spans[0], len(fields))
            return uniform
        period = _common_period(fields)
        if period is not None and _is_listed(period[0], target.size):
            up, down = period
            rows = self._rows(fields, range(up))
            joined: AxisField = Periodic(up, down, self._unions(rows, len(fields)), target.size)
            return joined, _shift(rows[: target.size], target.size)
        start, end = self._asked(target.node, target.axis)
        rows = self._rows(fields, range(start, end + 1))
        speed = None if period is None else Fraction(period[1], period[0])
        joined = UnitTable(start, self._unions(rows, len(fields)), target.size, speed)
        return joined, _shift(rows[-start : target.size - start], target.size)

    def narrowest(self, fields: Sequence[AxisField], _target: Target) -> tuple[AxisField, Shift]:
        """The field of the input with the smallest largest span: a join that follows one path only."""
        return min(fields, key=lambda field: field.sizes[-1]), ALIGNED

    def _gather(self, field: AxisField, reads: Window | Phases, target: Target) -> AxisField:
        """Reads over units that differ, or reads that differ."""
        up, down = (reads.up, reads.down) if isinstance(reads, Phases) else (1, reads.stride)
        if down == 0:  # whatever the field: all outputs read the same units
            return Periodic(up, 0, self._read(field, reads, range(up)), target.size)
        if isinstance(field, Periodic):
            times = field.up // gcd(field.up, down)
            if _is_listed(up * times, target.size):
                spans = self._read(field, reads, range(up * times))
                return Periodic(up * times, down * times // field.up * field.down, spans, target.size)
            speed: Fraction | None = field.stride * down / up
        else:
            assert isinstance(field, UnitTable)
            speed = None if field.speed is None else field.speed * down / up
        start, end = self._asked(target.node, target.axis)
        return UnitTable(start, self._read(field, reads, range(start, end + 1)), target.size, speed)

    def _read(self, field: AxisField, reads: Window | Phases, units: range) -> tuple[Span, ...]:
        taps = reads.most_taps
        self._add_work(len(units) * taps)
        return self._unions((list(map(field.span, reads.of(unit))) for unit in units), taps)

    def _rows(self, fields: Sequence[AxisField], units: range) -> list[tuple[Span, ...]]:
        """Unit by unit, what each map's unit sees."""
        self._add_work(len(units) * len(fields))
        return list(zip(*[map(field.span, units) for field in fields], strict=True))

    def _unions(self, rows: Iterable[Sequence[Span]], most: int) -> tuple[Span, ...]:
        """The union of each row of at most so many spans.

        The masks of units differ in length, and are known once they are made: they are counted as they come.
        """
        found: list[Span] = []
        for row in rows:
            span = union(row)
            size = span[1] - span[0]
            if size >= MASK_UNIT and (span[2] > DENSE or any(one[2] > DENSE for one in row)):
                self._add_work(most * (min(size, MAX_TRACKED) // MASK_UNIT))
            found.append(span)
        return tuple(found)

    def _spend_mask(self, span: Span, unions: int) -> None:
        """Count what holds for all units, which costs something where it has holes: time, and memory to be kept in."""
        if span[2] != DENSE:
            self._add_work(unions * (work_of(span) - 1))

    def _add_work(self, steps: int) -> None:
        self._work.steps += steps
        if self._work.steps > MAX_WORK:
            raise OverflowError("its receptive field has too many different units to be worked out")


def _is_listed(period: int, units: int) -> bool:
    """Whether a period is kept whole: it is short, or the map has all of it."""
    return period <= max(MAX_PERIOD, units)


def _slide(field: Periodic, window: Window, size: int) -> Periodic:
    """A sliding window over units that all see the same: the recurrences of Araujo et al. 2019, with holes."""
    jump = field.down
    first, last, mask = slid(field.spans[0], window.kernel, window.dilation * jump)
    origin = window.padding * jump
    return Periodic(1, jump * window.stride, ((first - origin, last - origin, mask),), size)


def _join_uniform(fields: Sequence[AxisField], size: int) -> tuple[Periodic, Shift] | None:
    """The join of maps whose units all see the same, which is nearly every one; None for others."""
    spans: list[Span] = []
    down = None
    for field in fields:
        if not isinstance(field, Periodic) or field.up > 1 or (down is not None and field.down != down):
            return None
        down = field.down
        spans.append(field.spans[0])
    assert down is not None
    apart = _apart(spans)
    shift = Shift(Fraction(apart, 2), Fraction(apart, 2)) if apart else ALIGNED
    return Periodic(1, down, (union(spans),), size), shift


def _common_period(fields: Sequence[AxisField]) -> tuple[int, int] | None:
    """Units and input positions after which all fields repeat; None where they never do so together."""
    up, down = 1, None
    for field in fields:
        if not isinstance(field, Periodic):
            return None
        up = lcm(up, field.up)
    for field in fields:
        assert isinstance(field, Periodic)
        mine = up // field.up * field.down
        if down is not None and mine != down:
            return None
        down = mine
    assert down is not None
    return up, down


def _shift(rows: Sequence[Sequence[Span]], size: int) -> Shift:
    """How far centres lie apart, over the first units, one for each row, which repeat up to `size`."""
    largest = total = 0
    for unit, row in enumerate(rows):
        apart = _apart(row)
        if apart:
            largest = max(largest, apart)
            total += apart * ((size - unit + len(rows) - 1) // len(rows))
    return Shift(Fraction(largest, 2), Fraction(total, 2 * size)) if largest else ALIGNED


def _apart(spans: Sequence[Span]) -> int:
    """Twice the distance of the outermost centres, so that it is whole; 0 if at most one span sees anything."""
    centres = [first + last for first, last, _ in spans if first <= last]
    return max(centres) - min(centres) if centres else 0


def widen(reads: Reads, by: int) -> Reads:
    """Reads that reach `by` positions further on both sides of each tap (sampling with bounded offsets)."""
    if not isinstance(reads, Window) or by == 0:
        return reads
    if 2 * by + 1 >= reads.dilation:  # what the taps reach has no holes
        reach = (reads.kernel - 1) * reads.dilation + 1 + 2 * by
        return Window(reach, reads.stride, reads.padding + by, 1)
    taps = {tap * reads.dilation - reads.padding + shift for tap in range(reads.kernel) for shift in range(-by, by + 1)}
    return Phases(1, reads.stride, (tuple(sorted(taps)),))
