"""What all units of a map see along one axis.

Two forms hold it. In most maps the spans repeat with a period, moving on as they do: `Periodic`, which knows every
unit, also those outside of the map that only padding asks for. Where there is no period (a join of maps that move
at different speeds), or one longer than the map, `UnitTable` lists the units that can be asked for.

In both, a unit outside of the map is what the layers' own geometry says of its number: a convolution's window or an
interpolation's coordinate simply goes on there, and a join is the union of what its inputs have there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction

from archlab.analysis.receptive_field.spans import DENSE, Span, coverage_of, size_of

MAX_REACH = 1 << 62
"""Farthest position: beyond it numbers would grow without end."""


def _check_reach(*positions: int) -> None:
    if max(positions) > MAX_REACH:
        raise OverflowError(f"its receptive field reaches further than {MAX_REACH:,} positions")


class AxisField(ABC):
    """The spans of all units along one axis.

    Attributes:
        units: of the map.
    """

    __slots__ = ("units",)

    units: int

    @abstractmethod
    def span(self, unit: int) -> Span:
        """What unit `unit`, which may be outside of the map, sees."""

    @abstractmethod
    def over(self, units: int) -> AxisField:
        """The same field of a map with so many units, which begins at the same one."""

    @abstractmethod
    def cases(self) -> Iterator[tuple[Span, int]]:
        """Spans, and how many units of the map see each, further and further on."""

    @property
    @abstractmethod
    def stride(self) -> Fraction:
        """Input positions from one unit to the next, on average."""

    @property
    def uniform(self) -> Span | None:
        """What unit 0 sees, where all units see the same, a stride further each."""
        return None

    @property
    def start(self) -> int | None:
        """First position that unit 0 sees: negative in the padding; None if it sees nothing."""
        first, last, _ = self.span(0)
        return first if first <= last else None

    @property
    def centre(self) -> Fraction | None:
        """The middle of what unit 0 sees: a half where its size is even; None if it sees nothing."""
        first, last, _ = self.span(0)
        return Fraction(first + last, 2) if first <= last else None

    @property
    def sizes(self) -> list[int]:
        """The distinct lengths of the spans that units of the map see, in ascending order."""
        return sorted({size_of(span) for span, _ in self.cases()})

    @property
    def coverage(self) -> float | None:
        """Share of the interval that is really read, the smallest over the map's units; None if not tracked."""
        shares = [coverage_of(span) for span, _ in self.cases()]
        known = [share for share in shares if share is not None]
        return min(known) if len(known) == len(shares) else None

    def counts(self) -> dict[int, int]:
        """How many units of the map see a span of each size, by ascending size."""
        found: dict[int, int] = {}
        for span, count in self.cases():
            size = size_of(span)
            found[size] = found.get(size, 0) + count
        return dict(sorted(found.items()))

    def cut(self, extent: int) -> int:
        """How many units of the map have a span that the border of the input's `extent` positions cuts.

        A unit that sees nothing has nothing to cut.
        """
        return sum(count - self._uncut(span, count, extent) for span, count in self.cases())

    def _uncut(self, span: Span, count: int, extent: int) -> int:
        """How many of the `count` units that see a span are not cut."""
        first, last, _ = span
        return count if last < first or (first >= 0 and last < extent) else 0


class Periodic(AxisField):
    """Spans that repeat.

    Unit `o = q * up + p` (0 <= p < up) sees `spans[p]` moved by `q * down`. Most maps have up = 1: every unit
    sees the same span, `down` further on.

    Attributes:
        up: units of a period.
        down: input positions of a period.
        spans: of the units of the first period.
        units: of the map. Where up is 1 only counts depend on them, and maps of several sizes share one field.
    """

    __slots__ = ("down", "spans", "up")

    def __init__(self, up: int, down: int, spans: tuple[Span, ...], units: int) -> None:
        _check_reach(down, -spans[0][0], spans[0][1])
        self.up = up
        self.down = down
        self.spans = spans
        self.units = units

    def span(self, unit: int) -> Span:
        """That of its phase, moved by its cycle."""
        cycle, phase = divmod(unit, self.up)
        first, last, mask = self.spans[phase]
        return first + cycle * self.down, last + cycle * self.down, mask

    def over(self, units: int) -> Periodic:
        """The same spans."""
        return self if self.units == units else Periodic(self.up, self.down, self.spans, units)

    def cases(self) -> Iterator[tuple[Span, int]]:
        """A case for each phase that the map has."""
        for phase, span in enumerate(self.spans[: self.units]):
            yield span, (self.units - phase + self.up - 1) // self.up

    @property
    def stride(self) -> Fraction:
        """`down / up`."""
        return Fraction(self.down, self.up)

    @property
    def uniform(self) -> Span | None:
        """The one span, where the period is one unit."""
        return self.spans[0] if self.up == 1 else None

    @property
    def sizes(self) -> list[int]:
        """In ascending order; one where the period is one unit, which is nearly always."""
        return [size_of(self.spans[0])] if self.up == 1 else super().sizes

    @property
    def coverage(self) -> float | None:
        """The smallest over the map's units."""
        return 1.0 if self.up == 1 and self.spans[0][2] == DENSE else super().coverage

    def _uncut(self, span: Span, count: int, extent: int) -> int:
        first, last, _ = span
        if last < first or self.down == 0:
            return super()._uncut(span, count, extent)
        lowest = max(0, -(first // self.down))  # the first cycle that starts inside
        highest = min(count - 1, (extent - 1 - last) // self.down)  # the last that ends inside
        return max(0, highest - lowest + 1)


class UnitTable(AxisField):
    """The spans of all units that can be asked for, one by one.

    Attributes:
        first: the first unit listed; negative where padding asks for units in front of the map.
        spans: of it and those that follow.
        units: of the map; all of them are listed.
        speed: input positions from one unit to the next, where the layers' ratios say it; None behind a join
            of maps that move at different speeds.
    """

    __slots__ = ("first", "spans", "speed")

    def __init__(self, first: int, spans: tuple[Span, ...], units: int, speed: Fraction | None) -> None:
        _check_reach(-spans[0][0], spans[-1][1])
        self.first = first
        self.spans = spans
        self.units = units
        self.speed = speed

    def span(self, unit: int) -> Span:
        """What unit `unit` sees; it must be listed."""
        place = unit - self.first
        if place < 0:
            raise IndexError(f"unit {unit} lies before {self.first}, the first one listed")
        return self.spans[place]

    def over(self, units: int) -> UnitTable:
        """The same table."""
        return self if self.units == units else UnitTable(self.first, self.spans, units, self.speed)

    def cases(self) -> Iterator[tuple[Span, int]]:
        """A case for each unit of the map."""
        for span in self.spans[-self.first : self.units - self.first]:
            yield span, 1

    @property
    def stride(self) -> Fraction:
        """`speed`; else from the first unit's centre to the last one's, shared out among the steps between them."""
        if self.speed is not None:
            return self.speed
        (first, last, _), (other_first, other_last, _) = self.span(0), self.span(self.units - 1)
        if self.units == 1 or last < first or other_last < other_first:
            return Fraction(0)
        return Fraction(other_first + other_last - first - last, 2 * (self.units - 1))


INPUT_AXIS = Periodic(1, 1, ((0, 0, DENSE),), 1)
"""The input itself: each position sees itself."""
