"""Figures of a network held to exact values and limits: what holds, what does not, and what cannot be known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import inf

from archlab.analysis.figure import Figure, Range, Value, figure_of
from archlab.analysis.heaviest import Part, heaviest
from archlab.analysis.result import Analysis
from archlab.config.tree.expect import Exact, Expectation
from archlab.config.tree.figures import Limit


class State(StrEnum):
    """What is known of a limit."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """A figure beside what it must be.

    Attributes:
        figure: its name.
        measured: what it is.
        axes: those that are meant, by their numbers; 0 of a sum.
        wanted: a limit for all of them, or the exact value of each.
        state: whether it holds.
        worst: the axis that is farthest beyond a limit; None where the limit is not broken.
        parts: what weighs most in a figure that is too large; what widens a field that is too narrow.
    """

    figure: str
    measured: Figure
    axes: tuple[int, ...]
    wanted: Limit | tuple[Exact, ...]
    state: State
    worst: int | None = None
    parts: tuple[Part, ...] = ()

    @property
    def value(self) -> Value | None:
        """What is beyond the limit; None where nothing is."""
        if self.worst is None or not isinstance(self.wanted, Limit):
            return None
        return _end(self.measured.ranges[self.worst], self.wanted)

    @property
    def excess(self) -> Value | None:
        """How far it is beyond: never negative; infinity of a global field; None where it is not."""
        if self.value is None or not isinstance(self.wanted, Limit):
            return None
        return _distance(self.value, self.wanted)

    @property
    def excess_share(self) -> float | None:
        """The same as a share of the limit; None where it has none."""
        if not self.excess or self.excess == inf or not isinstance(self.wanted, Limit) or not self.wanted.value:
            return None
        return float(self.excess / self.wanted.value)


def judge(analysis: Analysis, expectation: Expectation) -> list[Finding]:
    """What a line of `expect` says beside what is.

    Raises:
        AxisCountError: if a list has not one value for each axis.
    """
    figure = expectation.figure
    measured = figure_of(analysis, figure)
    axes = tuple(range(len(measured.ranges)))
    if not expectation.by_axis:
        return _judge(analysis, figure, measured, axes, expectation.wanted[0])
    if len(expectation.wanted) != len(axes):
        raise AxisCountError(len(axes))
    exact = tuple([wanted for wanted in expectation.wanted if not isinstance(wanted, tuple)])
    if len(exact) == len(axes):
        return [_judge_exact(figure, measured, axes, exact)]
    each = zip(axes, expectation.wanted, strict=True)
    return [found for axis, wanted in each for found in _judge(analysis, figure, measured, (axis,), wanted)]


class AxisCountError(Exception):
    """A list has another number of values than the input has axes.

    Attributes:
        axes: of the input.
    """

    def __init__(self, axes: int) -> None:
        super().__init__(axes)
        self.axes = axes


def judge_limit(analysis: Analysis, figure: str, limit: Limit) -> Finding:
    """A figure beside a limit, which must hold for every unit along each axis."""
    measured = figure_of(analysis, figure)
    return _judge_limit(analysis, figure, measured, tuple(range(len(measured.ranges))), limit)


def _judge(
    analysis: Analysis, figure: str, measured: Figure, axes: tuple[int, ...], wanted: Exact | tuple[Limit, ...]
) -> list[Finding]:
    if isinstance(wanted, tuple):
        return [_judge_limit(analysis, figure, measured, axes, limit) for limit in wanted]
    return [_judge_exact(figure, measured, axes, (wanted,) * len(axes))]


def _judge_exact(figure: str, measured: Figure, axes: tuple[int, ...], wanted: tuple[Exact, ...]) -> Finding:
    found = [measured.ranges[axis].shown for axis in axes]
    if None in found:
        state = State.UNKNOWN
    else:
        state = State.HOLDS if found == [_number(exact) for exact in wanted] else State.BROKEN
    return Finding(figure, measured, axes, wanted, state)


def _number(exact: Exact) -> Value:
    return inf if isinstance(exact, str) else exact


def _judge_limit(analysis: Analysis, figure: str, measured: Figure, axes: tuple[int, ...], limit: Limit) -> Finding:
    states = {axis: _state(measured.ranges[axis], limit) for axis in axes}
    broken = [axis for axis, state in states.items() if state is State.BROKEN]
    if not broken:
        state = State.UNKNOWN if State.UNKNOWN in states.values() else State.HOLDS
        return Finding(figure, measured, axes, limit, state)
    worst = max(broken, key=lambda axis: (_distance(_end(measured.ranges[axis], limit), limit), -axis))
    parts = heaviest(analysis, figure) if limit.is_upper or figure == "receptive_field" else ()
    return Finding(figure, measured, axes, limit, State.BROKEN, worst, tuple(parts))


def _state(found: Range, limit: Limit) -> State:
    if limit.holds(_end(found, limit)):
        return State.HOLDS if not (found.is_open and limit.is_upper) else State.UNKNOWN
    return State.UNKNOWN if found.is_open and not limit.is_upper else State.BROKEN


def _end(found: Range, limit: Limit) -> Value:
    """The end of a range that decides: of an open one what is known."""
    return found.most if limit.is_upper and not found.is_open else found.least


def _distance(value: Value, limit: Limit) -> Value:
    return inf if value == inf else abs(Fraction(value) - limit.value)
