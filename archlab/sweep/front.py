"""The exact Pareto front of a space, by dynamic programming over its parts.

From a part on, a design matters only if no other one with the same value entering is at least as good in everything
that the figures are made of: sums add up, the most bytes alive are the most of any part, and what is seen through a
part grows with what is seen behind it. So the designs from a part on are kept where nothing dominates them, and the
front of the whole space is made of these alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from operator import le
from typing import Any

from archlab.analysis.facts import DTYPE_BYTES
from archlab.config.tree.figures import FigureLimit
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.words import one_of
from archlab.sweep.dominance import Column, nondominated
from archlab.sweep.engine import Block, Engine
from archlab.sweep.figures import (
    FIELDS,
    FIGURES,
    SUMS,
    Designs,
    bound_of,
    designs_of,
    field_value,
    is_whole_only,
    joined,
    rows_within,
)
from archlab.sweep.stage import Map, Stage
from archlab.sweep.table import Table
from archlab.sweep.whole import require_equal
from archlab.sweep.work import Question, entire_designs

Vector = tuple[Any, ...]
MOST_CHECKED = 200
"""Designs of a front that are analysed as a whole and compared."""
_COLUMNS = {
    "memory.params": "params",
    "memory.buffers": "buffer_bytes",
    "memory.activations": "activation_bytes",
    "memory.inference_peak": "peak",
}
"""Of a table, that a figure is made of; the others have their names."""


@dataclass(frozen=True)
class Wish:
    """What a figure should be.

    Attributes:
        figure: its name.
        sign: 1 where it should be small, -1 where it should be large.
    """

    figure: str
    sign: int


def wishes(names: Iterable[str]) -> tuple[Wish, ...]:
    """What should become of figures: receptive fields large, all others small.

    Raises:
        ConfigError: for a figure that is known of whole networks only, or is none.
    """
    found: list[Wish] = []
    for name in names:
        if name not in FIGURES:
            message = f"a front is of {one_of(FIGURES)}, not of '{name}'"
            raise single_problem(message, Code.WRONG_VALUE)
        found.append(Wish(name, -1 if name == "receptive_field" else 1))
    if not found:
        raise single_problem("a front is of one figure at least: macs,receptive_field", Code.MISSING)
    return tuple(dict.fromkeys(found))


def front_of(designs: Designs, wanted: Sequence[Wish]) -> list[int]:
    """The rows that no other one is better than: at least as good in all figures, and better in one."""
    columns: list[Column] = []
    for wish in wanted:
        if wish.figure in SUMS:
            columns.append(_signed(designs.columns[wish.figure], wish.sign))
        else:
            known = {seen: wish.sign * field_value(seen, wish.figure) for seen in set(designs.seen)}
            columns.append([known[seen] for seen in designs.seen])
    return nondominated(columns, range(len(designs)))


def _signed(column: Sequence[int], sign: int) -> Sequence[int]:
    return column if sign > 0 else [-value for value in column]


def front(question: Question, wanted: Sequence[Wish]) -> Designs:
    """The designs of a front: one for each combination of figures that no other one is better than.

    Args:
        question: the space, with limits that the designs must be within.
        wanted: the figures.

    Raises:
        ConfigError: where the designs do not compose, and are too many to be analysed one by one; where one of them is
            not what the plain analysis says.
    """
    if any(is_whole_only(limit.figure) for limit in question.limits):
        names = ", ".join([limit.figure for limit in question.limits if is_whole_only(limit.figure)])
        message = f"{names} does not compose, so that there is no front within a limit on it; list the designs"
        raise single_problem(message, Code.WRONG_VALUE)
    reducer = Reducer(question, wanted)
    engine = Engine(question.space, question.conditions, reducer)
    table = engine.whole()
    designs = designs_of(table, 0, question.conditions)
    if table.entire:
        designs = joined([designs, entire_designs(question, table.entire, table.reason)])
    designs = designs.picked(rows_within(designs, question.limits))
    designs = designs.picked(front_of(designs, wanted))
    step = max(1, len(designs) // MOST_CHECKED)
    for row in range(0, len(designs), step):
        require_equal(question.space, designs.numbers[row], designs.row(row), question.conditions)
        designs.checked += 1
    return replace(designs, problems=designs.problems[:3])


class Reducer:
    """Keeps of tables what can be a part of the front."""

    def __init__(self, question: Question, wanted: Sequence[Wish]) -> None:
        signs = {(wish.figure, wish.sign): None for wish in wanted}
        signs |= {(limit.figure, 1 if limit.limit.is_upper else -1): None for limit in question.limits}
        self._signs = list(signs)
        self._limits = question.limits
        self._size = DTYPE_BYTES[question.conditions.dtype]
        self._covered: dict[tuple[int, int], bool] = {}
        self._known_vectors: dict[int, dict[int, Vector]] = {}
        self._held: list[Table] = []

    def reduced(self, table: Table) -> Table:
        """The rows that nothing dominates."""
        rows = self._within(table)
        columns = [column for figure, sign in self._signs for column in self._columns(table, figure, sign)]
        return table.kept(nondominated(columns, rows))

    def pruned(self, blocks: list[Block]) -> list[Block]:
        """The blocks of which no other one has something at least as good for each of its designs.

        That is so where its part is at least as good, and each design behind the part has one behind the other part
        that is. It is most of a space where widths and depths vary: what is behind a wider part is worse throughout.
        """
        found: list[Block] = []
        for block in sorted(blocks, key=lambda block: (self._stage_vector(block.stage), block.number)):
            if not any(self._is_covered(block, other) for other in found):
                found.append(block)
        return sorted(found, key=lambda block: block.number)

    def _is_covered(self, block: Block, other: Block) -> bool:
        mine, theirs = self._stage_vector(block.stage), self._stage_vector(other.stage)
        if not all(map(le, theirs, mine)) or not self._sees_as_much(block.stage, other.stage):
            return False
        return block.rest is other.rest or self._covers(other.rest, block.rest)

    def _covers(self, better: Table, table: Table) -> bool:
        """Whether each row of a table has one of another that is at least as good."""
        key = (id(better), id(table))
        known = self._covered.get(key)
        if known is None:
            known = self._covered[key] = _all_covered(self._vectors(better), self._vectors(table))
            self._held += [better, table]  # so that their identities stay theirs
        return known

    def _vectors(self, table: Table) -> dict[int, Vector]:
        known = self._known_vectors.get(id(table))
        if known is None:
            columns = [column for figure, sign in self._signs for column in self._columns(table, figure, sign)]
            known = dict(zip(table.numbers, zip(*columns, strict=True), strict=True))
            self._known_vectors[id(table)] = known
            self._held.append(table)
        return known

    def _stage_vector(self, stage: Stage) -> Vector:
        """What a part has of figures that compose by sums and maxima."""
        vector: list[int] = []
        for figure, sign in self._signs:
            if figure in SUMS:
                vector.append(sign * getattr(stage, _COLUMNS.get(figure, figure)))
                if figure == "memory.inference_peak":
                    vector.append(sign * (self._size * stage.params + stage.buffer_bytes))
        return tuple(vector)

    def _sees_as_much(self, stage: Stage, other: Stage) -> bool:
        """Whether the fields through another part are at least as good, whatever is behind both."""
        for figure, sign in self._signs:
            if figure in FIELDS:
                for mine, theirs in ((stage.field, other.field), (stage.seen, other.seen)):
                    if not _is_as_good(mine, theirs, figure, sign):
                        return False
        return True

    def _within(self, table: Table) -> list[int]:
        """The rows that are not beyond a limit by themselves; what is in front of them only adds."""
        rows = list(range(len(table)))
        for figure, limit in self._limits:
            if limit.is_upper and figure in SUMS:
                bound, column = bound_of(limit), self._sum(table, figure)
                rows = [row for row in rows if column[row] <= bound]
        return rows

    def _sum(self, table: Table, figure: str) -> list[int]:
        if figure == "memory.params":
            return [self._size * value for value in table.params]
        if figure == "memory.inference_peak":
            return [sum(values) for values in zip(self._weights(table), table.peak, strict=True)]
        column: list[int] = getattr(table, _COLUMNS.get(figure, figure))
        return column

    def _weights(self, table: Table) -> list[int]:
        pairs = zip(table.params, table.buffer_bytes, strict=True)
        return [self._size * params + buffers for params, buffers in pairs]

    def _columns(self, table: Table, figure: str, sign: int) -> list[Column]:
        """What a figure grows with."""
        if figure in FIELDS:
            return _field_columns(table, figure, sign)
        columns: list[Sequence[int]] = [getattr(table, _COLUMNS.get(figure, figure))]
        if figure == "memory.inference_peak":
            columns.append(self._weights(table))
        return [_signed(column, sign) for column in columns]


def _all_covered(better: dict[int, Vector], vectors: dict[int, Vector]) -> bool:
    """Whether each vector has one of another table that is at most as large; that of the same knobs is tried first."""
    for number, vector in vectors.items():
        same = better.get(number)
        if same is not None and len(same) == len(vector) and all(map(le, same, vector)):
            continue
        if not any(len(one) == len(vector) and all(map(le, one, vector)) for one in better.values()):
            return False
    return True


def _is_as_good(mine: Map | None, theirs: Map | None, figure: str, sign: int) -> bool:
    if mine is None or theirs is None:
        return mine is theirs
    for far, other in zip(mine, theirs, strict=True):
        if far is None or other is None:
            if far is not other:
                return False
        elif sign * other[1] > sign * far[1] or (figure == "receptive_field" and sign * other[0] > sign * far[0]):
            return False
    return True


def _field_columns(table: Table, figure: str, sign: int) -> list[Column]:
    at = FIELDS.index(figure)
    columns: list[Column] = []
    is_behind = [0 if seen is None else 1 for seen in table.seen]  # else what is in front of both decides between them
    columns += [is_behind, [-value for value in is_behind]]
    axes = max([len(seen) for seen in table.seen if seen is not None], default=0)
    for axis in range(axes):
        known = {None: 0.0}
        for seen in set(table.seen):
            if seen is not None:
                one = seen[axis]
                known[seen] = sign * (inf if one is None else one[at])  # type: ignore[index]
        columns.append([known[seen] for seen in table.seen])  # type: ignore[index]
    return columns


def limits_text(limits: Sequence[FigureLimit]) -> str:
    """`macs <= 300M and params <= 5M`."""
    return " and ".join([f"{figure} {limit.text}" for figure, limit in limits])
