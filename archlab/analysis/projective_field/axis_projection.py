"""Which units of a map each input position reaches along one axis.

A run of neighbouring positions that reach the same units is held once. Deep in a network that is nearly all there is
to say: a position cannot reach fewer than a unit, so that a map of n units has about 2n runs at most, however large
the input. Where maps are large, runs repeat between the borders: then one period stands for all of them. At the
borders nothing is left out: units are those that the map has, and a position whose units were cut off reaches none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from archlab.analysis.receptive_field.spans import DENSE, NOTHING, Span, coverage_of, moved, runs_of, size_of

Run = tuple[int, Span]
"""So many neighbouring positions, and the units that each of them reaches."""
Bounds = tuple[int, int]
"""First and last."""


class Repeated(NamedTuple):
    """Runs of positions, over and over.

    Attributes:
        cycle: the runs of the first repetition.
        cycles: how many repetitions there are.
        step: units from one to the next.
    """

    cycle: list[Run]
    cycles: int
    step: int


_NOT_REPEATED = Repeated([], 0, 0)


class AxisProjection:
    """The units that every position of the input reaches, along one axis.

    Positions come in three parts: `head`, then `cycles` repetitions of `cycle`, each reaching `step` units further,
    then `tail`.

    Attributes:
        units: of the map.
        head: runs from position 0 on.
        cycle: runs of the first repetition.
        cycles: how many repetitions there are; 0 where the runs do not repeat.
        step: units from one repetition to the next.
        tail: runs behind the last repetition.
        speed: units from one position to the next, where the layers' ratios say it; None behind a join of maps that
            move at different speeds.
        covered: the units that any position reaches.
    """

    __slots__ = ("covered", "cycle", "cycles", "head", "speed", "step", "tail", "units")

    def __init__(
        self,
        units: int,
        head: list[Run],
        speed: Fraction | None,
        covered: Span,
        *,
        repeated: Repeated | None = None,
        tail: list[Run] | None = None,
    ) -> None:
        self.units = units
        self.head = head
        self.covered = covered
        self.cycle, self.cycles, self.step = repeated or _NOT_REPEATED
        self.tail = tail or []
        self.speed = speed

    @property
    def period(self) -> int:
        """Positions of a repetition."""
        return sum([count for count, _ in self.cycle])

    @property
    def begin(self) -> int:
        """Positions in front of the first repetition."""
        return sum([count for count, _ in self.head])

    @property
    def positions(self) -> int:
        """Of the input."""
        return self.begin + self.cycles * self.period + sum([count for count, _ in self.tail])

    def span(self, position: int) -> Span:
        """The units that a position of the input reaches."""
        (_, span) = next(self.between(position, position + 1))
        return span

    def between(self, first: int, end: int) -> Iterator[Run]:
        """The runs of the positions from `first` up to `end`, not included."""
        at = 0
        for count, span in self._from(first):
            if at >= end - first:
                return
            yield min(count, end - first - at), span
            at += count

    def _from(self, position: int) -> Iterator[Run]:
        """The runs from a position to the last."""
        yield from _behind(self.head, position)
        if self.cycles:
            begin, period = self.begin, self.period
            skipped = min(max(position - begin, 0) // period, self.cycles)
            for cycle in range(skipped, self.cycles):
                offset = position - begin - cycle * period
                by = cycle * self.step
                yield from _behind([(count, moved(span, by)) for count, span in self.cycle], offset)
            position -= begin + self.cycles * period
        else:
            position -= self.begin
        yield from _behind(self.tail, position)

    def cases(self) -> Iterator[Run]:
        """How many positions reach a span of each form; of those that repeat, the first repetition's stands for all."""
        yield from self.head
        for count, span in self.cycle:
            yield count * self.cycles, span
        yield from self.tail

    @property
    def sizes(self) -> list[int]:
        """The distinct lengths of the spans that positions reach, in ascending order; 0 where one reaches no unit."""
        return sorted({size_of(span) for _, span in self.cases()})

    def counts(self) -> dict[int, int]:
        """How many positions reach a span of each size, by ascending size."""
        found: dict[int, int] = {}
        for count, span in self.cases():
            size = size_of(span)
            found[size] = found.get(size, 0) + count
        return dict(sorted(found.items()))

    @property
    def coverage(self) -> float:
        """Share of the interval that is really reached, the smallest over the positions."""
        return min([coverage_of(span) or 1.0 for _, span in self.cases()])

    @property
    def stride(self) -> Fraction | None:
        """Units from one position to the next: `speed`; else from the first span's centre to the last one's.

        None where no position or only one reaches anything.
        """
        if self.speed is not None:
            return self.speed
        centres: list[tuple[int, int]] = []
        at = 0
        for count, (first, last, _) in self._from(0):
            if first <= last:
                centres += [(at, first + last), (at + count - 1, first + last)]
            at += count
        if not centres or centres[0][0] == centres[-1][0]:
            return None
        (start, near), (end, far) = centres[0], centres[-1]
        return Fraction(far - near, 2 * (end - start))

    @property
    def unreaching_count(self) -> int:
        """How many positions reach no unit."""
        return sum([count for count, (first, last, _) in self.cases() if last < first])

    @property
    def unreaching(self) -> list[Bounds]:
        """First and last of each run of positions that reach no unit."""
        found: list[Bounds] = []
        if not self.unreaching_count:
            return found
        at = 0
        for count, (first, last, _) in self._from(0):
            if last < first:
                if found and found[-1][1] == at - 1:
                    found[-1] = found[-1][0], at + count - 1
                else:
                    found.append((at, at + count - 1))
            at += count
        return found

    @property
    def reaching_all(self) -> int:
        """How many positions reach every unit."""
        return sum([count for count, span in self.cases() if span == (0, self.units - 1, DENSE)])

    @property
    def is_whole(self) -> bool:
        """Whether every position that reaches anything reaches every unit."""
        return all(span == (0, self.units - 1, DENSE) or span[1] < span[0] for _, span in self.cases())

    @property
    def is_empty(self) -> bool:
        """Whether no position reaches any unit."""
        return self.covered[1] < self.covered[0]

    def reached(self, position: int) -> list[Bounds]:
        """First and last of each run of units that a position reaches: several where there are holes."""
        return runs_of(self.span(position))


def _behind(runs: list[Run], position: int) -> Iterator[Run]:
    """What of some runs lies at a position and behind it, counted from the first run's beginning."""
    if position <= 0:
        yield from runs
        return
    for count, span in runs:
        if count > position:
            yield count - max(position, 0), span
        position -= count


def merged(runs: Iterable[Run]) -> list[Run]:
    """The same, with neighbours that reach the same units as one run."""
    found: list[Run] = []
    before: Span | None = None
    for count, span in runs:
        if span == before:
            found[-1] = found[-1][0] + count, span
        else:
            found.append((count, span))
            before = span
    return found


def input_axis(positions: int) -> AxisProjection:
    """The input itself: each position reaches itself."""
    covered = 0, positions - 1, DENSE
    repeated = Repeated([(1, (0, 0, DENSE))], positions, 1)
    return AxisProjection(positions, [], Fraction(1), covered, repeated=repeated)


def nowhere(projection: AxisProjection, units: int) -> AxisProjection:
    """No position reaches anything."""
    return AxisProjection(units, [(projection.positions, NOTHING)], projection.speed, NOTHING)
