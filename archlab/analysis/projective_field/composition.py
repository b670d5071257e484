"""Projections of a layer's output from the projections of its inputs: going through a layer, and joining maps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from math import gcd, lcm

from archlab.analysis.projective_field.axis_projection import AxisProjection, Repeated, Run, merged
from archlab.analysis.projective_field.transposed import Transposed, transposed
from archlab.analysis.receptive_field.spans import DENSE, Span, moved, union, work_of
from archlab.layers.geometry import Reads, Window

LEAST_CYCLES = 3
"""Fewer repetitions are written out."""
MAX_WORK = 500_000
"""Bound on the runs that are made, each about a microsecond, more where it has holes."""


class Projector:
    """Makes projections, and counts the work that it takes."""

    def __init__(self) -> None:
        self._work = 0
        self._rules: dict[tuple[Reads, int, int], Transposed] = {}
        self._made_from: dict[tuple[int, int], tuple[AxisProjection, AxisProjection]] = {}
        """By source and rule: the source, so that its identity stays its own, and what came of it."""

    def through(self, source: AxisProjection, reads: Reads, units: int) -> AxisProjection:
        """The projection to a layer's output from that to its input.

        Args:
            source: to the input.
            reads: of the layer along the axis.
            units: of its output along it.

        Raises:
            OverflowError: beyond the bound on work.
        """
        if isinstance(reads, Window) and reads.is_identity:
            if units == source.units:
                return source
            if units > source.units and reads.mode == "zeros":
                return _over(source, units)
        key = (reads, source.units, units)
        rule = self._rules.get(key)
        if rule is None:
            rule = self._rules[key] = transposed(reads, source.units, units)
        known = self._made_from.get((id(source), id(rule)))
        if known is None:
            known = self._made_from[id(source), id(rule)] = source, self._by_rule(source, rule)
        return known[1]

    def _by_rule(self, source: AxisProjection, rule: Transposed) -> AxisProjection:
        units, covered = rule.units, _covered(source.covered, rule)
        speed = source.speed and (source.speed * rule.up / rule.down if rule.down else Fraction(0))
        if source.cycles == 0:
            return AxisProjection(units, self._made(source.head, rule), speed, covered)
        if source.step == 0 or rule.is_everything:  # what is reached moves no further with the repetitions
            cycle, cycles = self._made(source.cycle, rule), source.cycles
            head, tail = (self._made(runs, rule) for runs in (source.head, source.tail))
            return _cyclic((head, tail), Repeated(cycle, cycles, 0), units, speed, covered)
        if rule.down == 0:
            return AxisProjection(units, self._made(source.between(0, source.positions), rule), speed, covered)
        return self._cycled(source, rule, speed, covered)

    def _cycled(
        self, source: AxisProjection, rule: Transposed, speed: Fraction | None, covered: Span
    ) -> AxisProjection:
        """Of runs that repeat: those repetitions that no border of the map touches go on to do so."""
        times = rule.down // gcd(source.step, rule.down)
        cycles, step = source.cycles // times, source.step * times
        cycle = [(count, moved(span, more * source.step)) for more in range(times) for count, span in source.cycle]
        images = [(count, rule.of(span)) for count, span in cycle]
        self._spend(images)
        onward = step // rule.down * rule.up
        first, last = 0, cycles - 1
        for (_, read), (_, reached) in zip(cycle, images, strict=True):
            first, last = _free(first, last, read, step, (rule.own[0] + 1, rule.own[1] - 1))
            first, last = _free(first, last, reached, onward, (0, rule.units - 1))
        if last - first + 1 < LEAST_CYCLES:
            return AxisProjection(rule.units, self._made(source.between(0, source.positions), rule), speed, covered)
        begin, period = source.begin, source.period * times
        start, end = begin + first * period, begin + (last + 1) * period
        head = self._made(source.between(0, start), rule)
        tail = self._made(source.between(end, source.positions), rule)
        moved_images = [(count, moved(span, first * onward)) for count, span in images]
        repeated = Repeated(merged(moved_images), last - first + 1, onward)
        return _cyclic((head, tail), repeated, rule.units, speed, covered)

    def _made(self, runs: Iterable[Run], rule: Transposed) -> list[Run]:
        found: list[Run] = []
        before: Span | None = None
        inside = rule.inside
        for count, span in runs:
            image = inside(span)
            if image == before:
                found[-1] = found[-1][0] + count, image
            else:
                found.append((count, image))
                before = image
            if image[2] != DENSE:
                self._work += work_of(image)
        self._spend(found)
        return found

    def join(self, sources: Sequence[AxisProjection]) -> AxisProjection:
        """The union of the projections to several maps of one size.

        Raises:
            OverflowError: beyond the bound on work.
        """
        joined, *others = {id(source): source for source in sources}.values()
        for source in others:
            joined = self._join(joined, source)
        return joined

    def _join(self, one: AxisProjection, other: AxisProjection) -> AxisProjection:
        if one is other or _is_full(one):
            return one
        if _is_full(other):
            return other
        units, covered = one.units, _both(one.covered, other.covered)
        speed = one.speed if one.speed == other.speed else None
        if one.cycles and other.cycles and one.step * other.period == other.step * one.period:
            period = lcm(one.period, other.period)
            begin = max(one.begin, other.begin)
            end = min(source.begin + source.cycles * source.period for source in (one, other))
            cycles = (end - begin) // period
            if cycles >= LEAST_CYCLES:
                end, total = begin + cycles * period, one.positions
                head, cycle, tail = (
                    self._united(one.between(first, last), other.between(first, last))
                    for first, last in ((0, begin), (begin, begin + period), (end, total))
                )
                repeated = Repeated(cycle, cycles, one.step * (period // one.period))
                return _cyclic((head, tail), repeated, units, speed, covered)
        return AxisProjection(units, self._united(_all(one), _all(other)), speed, covered)

    def _united(self, one: Iterable[Run], other: Iterable[Run]) -> list[Run]:
        """Position by position, what either reaches."""
        found: list[Run] = []
        rest: Iterator[Run] = iter(other)
        left, second = next(rest, (0, (0, -1, DENSE)))
        for number, first in one:
            count = number
            while count:
                if not left:
                    left, second = next(rest)
                taken = min(count, left)
                span = _both(first, second)
                if found and found[-1][1] == span:
                    found[-1] = found[-1][0] + taken, span
                else:
                    found.append((taken, span))
                count -= taken
                left -= taken
        self._spend(found)
        return found

    def _spend(self, runs: Sequence[Run]) -> None:
        self._work += len(runs)
        if self._work > MAX_WORK:
            raise OverflowError("too many input positions reach units of their own; a smaller input takes less work")


def _both(one: Span, other: Span) -> Span:
    """The union; without asking further where one holds the other."""
    if one[2] == DENSE and one[0] <= other[0] and other[1] <= one[1]:
        return one
    if other[2] == DENSE and other[0] <= one[0] and one[1] <= other[1]:
        return other
    return union((one, other))


def _covered(span: Span, rule: Transposed) -> Span:
    """What units reach, all together; without holes where there are too many."""
    try:
        return rule.inside(span)
    except OverflowError:
        return rule.inside((span[0], span[1], DENSE))


def _all(source: AxisProjection) -> Iterable[Run]:
    return source.between(0, source.positions) if source.cycles else chain(source.head, source.tail)


def _over(source: AxisProjection, units: int) -> AxisProjection:
    """The same of a map with more units behind."""
    repeated = Repeated(source.cycle, source.cycles, source.step)
    return AxisProjection(units, source.head, source.speed, source.covered, repeated=repeated, tail=source.tail)


def _is_full(source: AxisProjection) -> bool:
    return not source.cycles and len(source.head) == 1 and source.head[0][1] == (0, source.units - 1, DENSE)


def _cyclic(ends: tuple[list[Run], list[Run]], repeated: Repeated, units: int, speed: Fraction | None,
            covered: Span) -> AxisProjection:  # fmt: skip
    """Of what is in front of repetitions and behind them; with repetitions that are all the same as a run."""
    head, tail = ends
    if repeated.step == 0 and len(repeated.cycle) == 1:
        count, span = repeated.cycle[0]
        return AxisProjection(units, merged([*head, (count * repeated.cycles, span), *tail]), speed, covered)
    return AxisProjection(units, head, speed, covered, repeated=repeated, tail=tail)


def _free(first: int, last: int, span: Span, step: int, room: tuple[int, int]) -> tuple[int, int]:
    """The repetitions, of those from `first` to `last`, in which a span that moves lies within some room."""
    low, high, _ = span
    if high < low:
        return first, last
    if step == 0:
        return (first, last) if room[0] <= low and high <= room[1] else (first, first - 1)
    return max(first, -((low - room[0]) // step)), min(last, (room[1] - high) // step)
