"""What is wrong with a config, and where: positions, problems, and how they are printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from archlab.diagnostics.codes import Code, RuleName
from archlab.diagnostics.place import Place, printable

MAX_PROBLEMS = 100
"""Problems collected before giving up."""
MOST_STEPS = 12
"""Lines of a problem's trail."""


class Problem(NamedTuple):
    """One mistake: what is wrong with the values, then what to write instead."""

    message: str
    code: Code | RuleName
    place: Place | None = None
    trail: tuple[str, ...] = ()

    def render(self) -> str:
        """As a compiler prints it: place, message, code, the line with a caret, the trail through the blocks."""
        where = [] if self.place is None else _excerpt(self.place)
        before = "" if self.place is None else f"{self.place.text}: "
        level = "warning: " if self.code.level == "warning" else ""
        head = f"{before}{level}{printable(self.message)}  [{self.code}]"
        return "\n".join([head, *where, *(f"  {printable(step)}" for step in self.trail)])

    @property
    def sort_key(self) -> tuple[str, int, int, str]:
        """By file, then line, then column."""
        if self.place is None:
            return ("", 0, 0, self.message)
        return (self.place.source.name, self.place.line, self.place.column, self.message)


def _excerpt(place: Place) -> list[str]:
    """The line of the place and a marker under the stretch."""
    line = place.source.line(place.line)
    if not line.strip():
        return []
    end = place.end_column if place.end_line == place.line else len(line)
    width = max(1, min(end, len(line)) - place.column)
    number = f"{place.line + 1:>5}"
    start, line, width = _window(line, place.column, width)
    return [f"{number} | {printable(line)}", f"{' ' * len(number)} | {' ' * start}^{'~' * (width - 1)}"]


_EXCERPT_WIDTH = 160


def _window(line: str, start: int, width: int) -> tuple[int, str, int]:
    """Cut a very long line around the marked stretch."""
    if len(line) <= _EXCERPT_WIDTH:
        return start, line, width
    left = max(0, min(start - _EXCERPT_WIDTH // 3, len(line) - _EXCERPT_WIDTH))
    prefix = "..." if left else ""
    cut = prefix + line[left : left + _EXCERPT_WIDTH] + ("..." if left + _EXCERPT_WIDTH < len(line) else "")
    start = start - left + len(prefix)
    return start, cut, max(1, min(width, len(cut) - start))


class ConfigError(Exception):
    """A config, a target or an option is wrong.

    Attributes:
        problems: every problem found, in the order of the text.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.sort_key)
        super().__init__("\n".join(problem.render() for problem in self.problems))


class BadItemError(Exception):
    """One item is wrong; caught around the item, so that the next ones are still read.

    Attributes:
        code: of the problem.
        place: where it is.
        notes: lines of the trail.
    """

    def __init__(
        self,
        message: str,
        code: Code,
        place: Place | None,
        notes: tuple[str, ...] = (),
        *,
        hint: Callable[[], str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.place = place
        self.notes = notes
        self._message = message
        self._hint = hint

    @property
    def message(self) -> str:
        """What is wrong, and the hint, which is looked for only where it is told."""
        return self._message + self._hint() if self._hint is not None else self._message


class TooManyProblemsError(Exception):
    """The collector is full."""


_Key = tuple[Code | RuleName, str, int, int]


def _key(code: Code | RuleName, place: Place) -> _Key:
    return code, place.source.name, place.line, place.column


@dataclass(slots=True, eq=False)
class Problems:
    """Collects problems; the same kind of problem at the same place counts once.

    Attributes:
        found: so far.
    """

    found: list[Problem] = field(default_factory=list)
    _seen: set[_Key] = field(default_factory=set)

    def add(self, message: str, code: Code | RuleName, place: Place | None, trail: tuple[str, ...] = ()) -> None:
        """Record a problem.

        Raises:
            TooManyProblemsError: if there are too many to be useful.
        """
        if place is not None:
            if self._knows(code, place):
                return
            self._seen.add(_key(code, place))
        self.found.append(Problem(message, code, place, told_trail(trail)))
        if len(self.found) >= MAX_PROBLEMS:
            raise TooManyProblemsError

    def add_error(self, error: BadItemError, trail: tuple[str, ...] = ()) -> None:
        """Record why an item was given up; its hint is not looked for where that is known already.

        Args:
            error: with its own notes.
            trail: behind these.

        Raises:
            TooManyProblemsError: if there are too many to be useful.
        """
        if error.place is None or not self._knows(error.code, error.place):
            self.add(error.message, error.code, error.place, (*error.notes, *trail))

    def _knows(self, code: Code | RuleName, place: Place) -> bool:
        return _key(code, place) in self._seen

    def raise_if_any(self) -> None:
        """Raise a `ConfigError` with everything collected, if there is anything."""
        if self.found:
            raise ConfigError(self.found)


def told_trail(trail: tuple[str, ...]) -> tuple[str, ...]:
    """A trail in few lines: a block that uses itself leaves the same one again and again."""
    steps = [(step, len(list(same))) for step, same in groupby(trail)]
    lines = [step if times == 1 else f"{step} ({times} times)" for step, times in steps]
    if len(lines) <= MOST_STEPS:
        return tuple(lines)
    ends = MOST_STEPS // 2
    return (*lines[:ends], f"... ({len(lines) - 2 * ends} more)", *lines[-ends:])


def single_problem(message: str, code: Code, place: Place | None = None) -> ConfigError:
    """A `ConfigError` with one problem."""
    return ConfigError([Problem(message, code, place)])
