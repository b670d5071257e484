"""The best design of a space within limits: that which has most of one figure, or the largest value of one param."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf
from typing import Any

from archlab.analysis.entropy import Structure, structure
from archlab.config.expand.inputs import ONLY
from archlab.config.tree.figures import FigureLimit
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.spelling import argument
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import one_of
from archlab.sweep.figures import FIELDS, FIGURES, SUMS, Designs, field_value, is_whole_only, value_of
from archlab.sweep.front import Wish, front, limits_text
from archlab.sweep.run import Report, sweep
from archlab.sweep.space import Space
from archlab.sweep.whole import expanded
from archlab.sweep.work import Question

MOST_FITTED = 2_000_000
"""Designs that are listed to find the best; of more the front is made."""
MOST_SCORED = 5_000
"""Designs of which the entropy is worked out, which takes each as a whole."""
ENTROPY = "entropy"
RUNNERS = 5
"""Designs that are told behind the best."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """The best design, with others behind it.

    Attributes:
        space: of the designs.
        designs: the best one first.
        goal: what was to be large.
        how: in which sense it is the best.
        is_exact: whether no other design of the space is better.
        scores: of these designs, where the goal is their entropy.
    """

    space: Space
    designs: Designs
    goal: str
    how: str
    is_exact: bool
    scores: tuple[Structure, ...] = ()

    @property
    def settings(self) -> tuple[dict[str, Any], Any]:
        """The params and the input of the best one."""
        return self.space.settings_of(self.space.digits(self.designs.numbers[0]))


@dataclass(frozen=True, slots=True)
class Used:
    """How far the best design uses a limit.

    Attributes:
        limit: which.
        value: its figure.
        share: of the limit; None of what may be without end.
    """

    limit: FigureLimit
    value: int | Fraction | float
    share: float | None


def used(fitted: Fitted, limits: Sequence[FigureLimit]) -> list[Used]:
    """How far the best one uses each limit that composes."""
    found: list[Used] = []
    for limit in limits:
        if is_whole_only(limit.figure):
            continue
        value = value_of(fitted.designs, limit.figure, 0)
        bound = limit.limit.value
        found.append(Used(limit, value, None if value == inf or not bound else float(Fraction(value) / bound)))
    return found


def fit(
    question: Question,
    goal: str,
    processes: int | None = None,
    report: Report | None = None,
    most_depth: float | None = None,
) -> Fitted:
    """The best design within the limits.

    Args:
        question: the space and the limits.
        goal: a figure that should be large, or a param whose largest value is sought.
        processes: how many run at a time.
        report: told how far it is.
        most_depth: for its width, of a network of which the entropy should be large (`analysis.entropy`).

    Raises:
        ConfigError: if nothing is within the limits, or there is no such goal.
    """
    space = question.space
    _check_goal(space, goal)
    whole_only = any(is_whole_only(limit.figure) for limit in question.limits)
    is_sample = question.sample is not None and question.sample < space.size
    if is_sample or space.size <= MOST_FITTED or whole_only or goal not in FIGURES:
        designs = sweep(question, processes, report)
        how = f"the best of {question.count:,} drawn at random of {space.size:,} designs; there may be a better one"
        if not is_sample:
            how = f"the best of all {space.size:,} designs"
    else:
        cheap = [Wish(limit.figure, 1) for limit in question.limits if limit.limit.is_upper]
        designs = front(question, tuple(dict.fromkeys([Wish(goal, -1), *cheap])))
        how = f"the best of all {space.size:,} designs, by their front"
    if not len(designs):
        raise single_problem(_nothing(question), Code.LIMIT)
    if goal == ENTROPY:
        return _by_entropy(question, designs, how, most_depth, is_exact=not is_sample)
    return Fitted(space, _ranked(space, designs, goal), goal, how, not is_sample)


def _by_entropy(question: Question, designs: Designs, how: str, most_depth: float | None, *, is_exact: bool) -> Fitted:
    """The designs with the largest entropy, each expanded as a whole."""
    if len(designs) > MOST_SCORED:
        message = (
            f"{len(designs):,} designs are within the limits, and the entropy of at most {MOST_SCORED:,} is worked"
        )
        raise single_problem(
            f"{message} out; narrow the limits, or draw some: {argument('sample', 1000)}", Code.TOO_LARGE
        )
    space = question.space
    scores = [structure(expanded(space, number)) for number in designs.numbers]
    rows = [row for row, one in enumerate(scores) if most_depth is None or one.depth_to_width <= most_depth]
    if not rows:
        least = min([one.depth_to_width for one in scores])
        message = f"no design within the limits has a depth of at most {most_depth:g} for its width; the least is"
        raise single_problem(f"{message} {least:.3g}", Code.LIMIT)
    macs = designs.columns["macs"]
    rows.sort(key=lambda row: (-scores[row].entropy, macs[row], row))
    best = rows[: 1 + RUNNERS]
    return Fitted(space, designs.picked(best), ENTROPY, how, is_exact, tuple([scores[row] for row in best]))


def _check_goal(space: Space, goal: str) -> None:
    names = [knob.name for knob in space.knobs]
    known = [*FIGURES, ENTROPY, *names]
    if goal not in known:
        hint = did_you_mean(goal, known) or f"; it may be {one_of(known)}"
        raise single_problem(f"there is no '{goal}' to maximize{hint}", Code.WRONG_VALUE)


def _ranked(space: Space, designs: Designs, goal: str) -> Designs:
    """The best ones; of equals those with less work, fewer parameters, less memory."""
    value = _values(space, designs, goal)
    less = [designs.columns[name] for name in ("macs", "params", "memory.inference_peak")]
    rows = sorted(range(len(designs)), key=lambda row: (-value[row], *[column[row] for column in less], row))
    return designs.picked(rows[: 1 + RUNNERS])


def _values(space: Space, designs: Designs, goal: str) -> list[Any]:
    if goal in SUMS:
        return list(designs.columns[goal])
    if goal in FIELDS:
        return [field_value(seen, goal) for seen in designs.seen]
    knob, weight = next(pair for pair in zip(space.knobs, space.weights, strict=True) if pair[0].name == goal)
    values = [_size(goal, value) for value in knob.values]
    return [values[number // weight % len(values)] for number in designs.numbers]


def _size(name: str, value: Any) -> Any:
    if name == ONLY:
        size = 1
        for one in value:
            size *= one
        return size
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise single_problem(f"'{name}' has no largest value: {value!r} is no number", Code.WRONG_VALUE)
    return value


def _nothing(question: Question) -> str:
    """That nothing is within the limits, and how near the space comes to each."""
    message = f"none of {question.count:,} designs is within {limits_text(question.limits)}"
    if question.sample is not None:
        return message
    free = replace(question, limits=())
    near: list[str] = []
    for figure, limit in question.limits:
        if figure in SUMS and limit.is_upper:
            least = front(free, (Wish(figure, 1),))
            if len(least):
                near.append(f"the least {figure} is {least.columns[figure][0]:,}")
    return f"{message}; {', '.join(near)}" if near else message
