"""The work of a sweep in pieces: which there are, and what each gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from archlab.analysis.conditions import Conditions
from archlab.config.tree.figures import FigureLimit
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, single_problem
from archlab.diagnostics.spelling import argument
from archlab.sweep.engine import BLOCK_ROWS, Assigned, Engine
from archlab.sweep.figures import (
    SUMS,
    Designs,
    designs_of,
    holds_as_a_whole,
    is_whole_only,
    joined,
    packed,
    row_of,
    rows_within,
)
from archlab.sweep.space import Space
from archlab.sweep.table import EXAMPLES
from archlab.sweep.whole import analysed, require_equal

MOST_LISTED = 10_000_000
"""Designs that a sweep enumerates."""
LEAST_CHECKED = 20
CHECKED_SHARE = 10_000
"""One in so many designs is analysed as a whole and compared."""
SAMPLE_TASK = 500
"""Designs of a sample that are made at once."""


@dataclass(frozen=True)
class Question:
    """What is asked of a space.

    Attributes:
        space: the designs.
        conditions: batch, dtype and memory format.
        limits: that designs must be within.
        sample: so many designs drawn at random; all by default.
        seed: of the draw, and of which designs are compared with the plain analysis.
    """

    space: Space
    conditions: Conditions = field(default_factory=Conditions)
    limits: tuple[FigureLimit, ...] = ()
    sample: int | None = None
    seed: int = 0

    def require_few(self) -> None:
        """Refuse to list too many.

        Raises:
            ConfigError: if they are.
        """
        if self.count > MOST_LISTED:
            message = (
                f"the space has {self.space.size:,} designs, and at most {MOST_LISTED:,} are listed one by one; "
                f"narrow it, draw some ({argument('sample', 100000)}), or ask for their front alone "
                f"({argument('pareto', 'macs,receptive_field')})"
            )
            raise single_problem(message, Code.TOO_LARGE)

    @property
    def text(self) -> str:
        """All of it, for telling one from another."""
        space = self.space
        parts = (
            space.document.source.text,
            space.variant.name if space.variant else "",
            space.settings,
            space.input,
            space.knobs,
            {name: argument.node for name, argument in space.derived.items()},
            self.conditions,
            self.limits,
            self.sample,
            self.seed,
            space.deployed,
        )
        return "\n".join(map(repr, parts))

    @property
    def count(self) -> int:
        """How many designs are looked at."""
        return self.space.size if self.sample is None else min(self.sample, self.space.size)


class Task:
    """Some of the designs: those with some knobs chosen, or some of a sample."""

    def __init__(self, assigned: Assigned, numbers: Sequence[int] | None, checked: Sequence[int]) -> None:
        self.assigned = assigned
        self.numbers = numbers
        self.checked = checked


def tasks_of(question: Question, engine: Engine) -> list[Task]:
    """The work in pieces, which are the same whoever does them and however many there are."""
    space = question.space
    random = Random(question.seed)  # noqa: S311 - no secret
    if question.sample is not None and question.sample < space.size:
        numbers = sorted(_drawn(random, space.size, question.sample))
        checked = set(random.sample(numbers, min(len(numbers), _checks(len(numbers)))))
        starts = range(0, len(numbers), SAMPLE_TASK)
        parts = [numbers[start : start + SAMPLE_TASK] for start in starts]
        return [Task({}, part, [number for number in part if number in checked]) for part in parts]
    compared = _drawn(random, space.size, min(space.size, _checks(space.size)))
    knobs: list[int] = []
    for step in engine.steps:
        for knob in step.knobs:
            if engine.rows_behind(0, dict.fromkeys(knobs, 0)) > BLOCK_ROWS and knob not in knobs:
                knobs.append(knob)
    by_choice: dict[tuple[int, ...], list[int]] = {}
    for number in sorted(compared):
        digits = space.digits(number)
        by_choice.setdefault(tuple([digits[knob] for knob in knobs]), []).append(number)
    choices = engine.choices(tuple(knobs))
    return [Task(dict(zip(knobs, choice, strict=True)), None, by_choice.get(choice, ())) for choice in choices]


def _checks(count: int) -> int:
    return max(LEAST_CHECKED, count // CHECKED_SHARE)


def _drawn(random: Random, size: int, count: int) -> set[int]:
    """Distinct numbers below a size, which may be beyond what `sample` takes."""
    if count * 2 > size:
        return set(random.sample(range(size), count))
    found: set[int] = set()
    while len(found) < count:
        found.add(random.randrange(size))
    return found


def done(task: Task, engine: Engine, question: Question) -> Designs:
    """The designs of a task that are within the limits.

    Raises:
        ConfigError: where one of them is not what the plain analysis says.
    """
    if task.numbers is not None:
        parts = [_of(engine, dict(enumerate(question.space.digits(number))), question, ()) for number in task.numbers]
        _compare(parts, task.checked, question)
        kept = [part.picked(rows_within(part, question.limits)) for part in parts]
        return _within_whole(joined(kept), question, len(task.checked))
    return _within_whole(*_listed(engine, task, question))


def _listed(engine: Engine, task: Task, question: Question) -> tuple[Designs, Question, int]:
    designs = _of(engine, task.assigned, question, task.checked)
    return designs.picked(rows_within(designs, question.limits)), question, len(task.checked)


def _of(engine: Engine, assigned: Assigned, question: Question, checked: Sequence[int]) -> Designs:
    """All designs with some knobs chosen."""
    table = engine.table(0, None, assigned)
    base = engine.number(tuple(assigned), tuple(assigned.values()))
    designs = designs_of(table, base, question.conditions)
    if table.entire:
        designs = joined([designs, entire_designs(question, [base + number for number in table.entire], table.reason)])
    if checked:
        _compare([designs], checked, question)
    return designs


def _compare(parts: Iterable[Designs], checked: Sequence[int], question: Question) -> None:
    wanted = set(checked)
    places = {n: (part, row) for part in parts for row, n in enumerate(part.numbers) if n in wanted} if wanted else {}
    for number in checked:
        found = places.get(number)
        row = None if found is None else found[0].row(found[1])
        require_equal(question.space, number, row, question.conditions)


def entire_designs(question: Question, numbers: Sequence[int], reason: str) -> Designs:
    """Designs analysed as a whole, one by one."""
    found = Designs(reason=reason, entire=len(numbers))
    kept: list[int] = []
    rows = []
    for number in numbers:
        try:
            rows.append(row_of(analysed(question.space, number, question.conditions)))
            kept.append(number)
        except ConfigError as error:
            found.invalid += 1
            if len(found.problems) < EXAMPLES:
                found.problems.append((number, error.problems[0]))
    found.numbers = packed(kept)
    found.columns = {name: packed([row.sums[at] for row in rows]) for at, name in enumerate(SUMS)}
    found.seen = [row.seen for row in rows]
    return found


def _within_whole(designs: Designs, question: Question, checked: int) -> Designs:
    """Those within the limits that only a plain analysis can tell of."""
    designs.checked += checked
    limits = [limit for limit in question.limits if is_whole_only(limit.figure)]
    if not limits:
        return designs
    rows = [
        row
        for row, number in enumerate(designs.numbers)
        if holds_as_a_whole(analysed(question.space, number, question.conditions), limits)
    ]
    return designs.picked(rows)
