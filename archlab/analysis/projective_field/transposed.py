"""Which outputs of a layer an input unit reaches, along one axis: the reads of `layers.geometry` turned round.

Where output `q * up + p` reads the inputs `q * down + t`, input `c * down + r` reaches the outputs
`c * up + (those of r)`: a set that repeats too, and moves on by `up` with every `down` inputs. A layer's map has an
end, and what would lie behind it is not reached. Padding that repeats values of the map makes a unit reach what reads
its copies.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from archlab.analysis.receptive_field.spans import (
    DENSE,
    NOTHING,
    UNTRACKED,
    Span,
    masked,
    mirrored,
    moved,
    slid,
    thinned,
    union,
)
from archlab.analysis.receptive_field.spans import within as cut_to
from archlab.layers.geometry import Phases, Reads, Whole, Window


class Transposed(ABC):
    """Outputs by inputs.

    Attributes:
        up: outputs from one cycle of inputs to the next.
        down: inputs of a cycle; 0 where what is reached does not move on with the input.
        sources: inputs along the axis.
        units: outputs along it.
        own: the last input near the front, and the first near the end, of those whose value padding repeats.
    """

    __slots__ = ("down", "own", "sources", "units", "up")

    is_everything: ClassVar[bool] = False
    """Whether every input reaches every output."""

    def __init__(self, up: int, down: int, sources: int, units: int) -> None:
        self.up = up
        self.down = down
        self.sources = sources
        self.units = units
        self.own = (-1, sources)

    @abstractmethod
    def of(self, span: Span) -> Span:
        """The outputs that any of the inputs reaches, on a map without an end and without padding.

        Raises:
            OverflowError: if there are too many holes.
        """

    def inside(self, span: Span) -> Span:
        """The outputs of the map that any of the inputs reaches.

        Raises:
            OverflowError: if there are too many holes.
        """
        return cut_to(self.of(span), self.units)


def transposed(reads: Reads, sources: int, units: int) -> Transposed:
    """The outputs that inputs reach.

    Args:
        reads: of the layer, along an axis.
        sources: its inputs along it.
        units: its outputs.
    """
    if isinstance(reads, Whole):
        return _Everything(sources, units)
    if isinstance(reads, Window):
        return _WindowReached(reads, sources, units)
    return _PhasesReached(reads, sources, units) if reads.down else _Unmoved(reads, sources, units)


class _Everything(Transposed):
    """Every input reaches every output."""

    __slots__ = ()

    is_everything: ClassVar[bool] = True

    def __init__(self, sources: int, units: int) -> None:
        super().__init__(0, 0, sources, units)

    def of(self, span: Span) -> Span:
        return span if span[1] < span[0] else (0, self.units - 1, DENSE)


class _WindowReached(Transposed):
    """Input `i` reaches the outputs `o` with `o * stride - padding + k * dilation = i`."""

    __slots__ = ("_behind", "_window")

    def __init__(self, window: Window, sources: int, units: int) -> None:
        super().__init__(1, window.stride, sources, units)
        self._window = window
        self._behind = max(window.between(0, units - 1)[1], sources - 1)  # the last position that is read
        if window.mode == "circular":
            self.own = (self._behind - sources, sources - max(window.padding, 0))
        elif window.mode == "reflect":
            self.own = (max(window.padding, 0), 2 * (sources - 1) - self._behind)
        elif window.mode == "replicate":
            self.own = (0, sources - 1)

    def of(self, span: Span) -> Span:
        window = self._window
        first, last, mask = span
        if last < first:
            return NOTHING
        low = first + window.padding - (window.kernel - 1) * window.dilation
        spread = slid((low, low + last - first, mask), window.kernel, window.dilation)
        _check_tracked(spread)
        return thinned(spread, window.stride)

    def inside(self, span: Span) -> Span:
        found = cut_to(self.of(span), self.units)
        if self._window.mode == "zeros" or (span[0] > self.own[0] and span[1] < self.own[1]):
            return found
        copies = [cut_to(self.of(copy), self.units) for copy in self._copies(span)]
        found = union([found, *copies])
        _check_tracked(found)
        return found

    def _copies(self, span: Span) -> tuple[Span, Span]:
        """Where in the padding, in front of the map and behind it, copies of some of its inputs lie."""
        first, last, _ = span
        size = self.sources
        if last < first:
            return NOTHING, NOTHING
        if self._window.mode == "circular":
            front, behind = moved(span, -size), moved(span, size)
        elif self._window.mode == "reflect":
            front = mirrored(span)
            behind = moved(front, 2 * (size - 1))
        else:  # the outermost ones, over and over
            front = (-self._window.padding, -1, DENSE) if first == 0 else NOTHING
            behind = (size, self._behind, DENSE) if last == size - 1 else NOTHING
        return _between(front, -self._window.padding, -1), _between(behind, size, self._behind)


class _PhasesReached(Transposed):
    """Outputs that read with a period."""

    __slots__ = ("_known", "_single")

    def __init__(self, phases: Phases, sources: int, units: int) -> None:
        super().__init__(phases.up, phases.down, sources, units)
        reached: list[list[int]] = [[] for _ in range(phases.down)]
        for phase in range(min(phases.up, units)):  # one behind the map is read by no unit of it
            for tap in phases.taps[phase]:
                cycle, place = divmod(tap, phases.down)
                reached[place].append(phase - cycle * phases.up)
        self._single = [_set(outputs) for outputs in reached]
        self._known: dict[tuple[int, int], Span] = {}

    def of(self, span: Span) -> Span:
        first, last, mask = span
        if last < first:
            return NOTHING
        count = last - first + 1
        if mask != DENSE:
            found = union([self._unit(first + place) for place in range(count) if mask >> place & 1])
        elif count <= self.down:
            found = self._stretch(first, count)
        else:
            cycles, rest = divmod(count, self.down)
            whole = slid(self._stretch(first, self.down), cycles, self.up)
            found = union([whole, self._stretch(last - rest + 1, rest)]) if rest else whole
        _check_tracked(found)
        return found

    def _unit(self, source: int) -> Span:
        cycle, place = divmod(source, self.down)
        return moved(self._single[place], cycle * self.up)

    def _stretch(self, first: int, count: int) -> Span:
        """What `count` neighbours reach, no more than a cycle of them."""
        cycle, place = divmod(first, self.down)
        span = self._known.get((place, count))
        if span is None:
            span = self._known[place, count] = union([self._unit(place + more) for more in range(count)])
        return moved(span, cycle * self.up)


class _Unmoved(Transposed):
    """All cycles of outputs read the same inputs."""

    __slots__ = ("_phases",)

    def __init__(self, phases: Phases, sources: int, units: int) -> None:
        super().__init__(phases.up, 0, sources, units)
        self._phases = phases

    def of(self, span: Span) -> Span:
        first, last, mask = span
        held = [tap >= first and tap <= last and (mask == DENSE or bool(mask >> (tap - first) & 1))
                for tap in range(last + 1)]  # fmt: skip
        outputs = [
            unit
            for unit in range(self.units)
            if any(0 <= tap <= last and held[tap] for tap in self._phases.taps[unit % self.up])
        ]
        return _set(outputs)


def _between(span: Span, first: int, last: int) -> Span:
    """The positions from `first` to `last` alone."""
    return moved(cut_to(moved(span, -first), last - first + 1), first) if first <= last else NOTHING


def _set(outputs: list[int]) -> Span:
    """A span of units in any order."""
    if not outputs:
        return NOTHING
    low, mask = min(outputs), 0
    for output in outputs:
        mask |= 1 << (output - low)
    return masked(low, mask)


def _check_tracked(span: Span) -> None:
    if span[2] == UNTRACKED:
        raise OverflowError("an input position reaches units with holes over more than 131,072 of them")
