"""The figures of designs, and the limits that they are held to."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, inf

from archlab.analysis.conditions import Conditions
from archlab.analysis.facts import DTYPE_BYTES
from archlab.analysis.result import Analysis
from archlab.config.tree.figures import FigureLimit, Limit
from archlab.diagnostics.problem import Problem
from archlab.sweep.table import Table

SUMS = (
    "params",
    "buffers",
    "macs",
    "flops",
    "activations",
    "memory.params",
    "memory.buffers",
    "memory.activations",
    "memory.inference_peak",
)
"""Figures with one value, in the order of columns."""
FIELDS = ("receptive_field", "stride")
"""Figures with a value for each axis of the input."""
FIGURES = (*SUMS, *FIELDS)

Seen = tuple[tuple[int, Fraction | int] | None, ...]
"""By axis: the size of what a unit sees, and the stride; None where it sees the whole."""
Numbers = Sequence[int]


@dataclass(slots=True)
class Designs:
    """Designs with their figures, column by column.

    Attributes:
        numbers: of the designs in their space.
        columns: by figure.
        seen: receptive fields.
        invalid: how many further designs are no networks.
        problems: of some of them, by number.
        entire: how many were analysed as a whole, one by one.
        reason: why.
        checked: how many were analysed as a whole and compared.
    """

    numbers: Numbers = ()
    columns: dict[str, Numbers] = field(default_factory=lambda: dict.fromkeys(SUMS, ()))
    seen: list[Seen] = field(default_factory=list)
    invalid: int = 0
    problems: list[tuple[int, Problem]] = field(default_factory=list)
    entire: int = 0
    reason: str = ""
    checked: int = 0

    def __len__(self) -> int:
        return len(self.numbers)

    def picked(self, rows: Sequence[int]) -> Designs:
        """Some rows, in an order."""
        return Designs(
            packed([self.numbers[row] for row in rows]),
            {name: packed([column[row] for row in rows]) for name, column in self.columns.items()},
            [self.seen[row] for row in rows],
            self.invalid,
            self.problems,
            self.entire,
            self.reason,
            self.checked,
        )

    def row(self, row: int) -> Row:
        """One of them."""
        return Row(tuple([self.columns[name][row] for name in SUMS]), self.seen[row])


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one design.

    Attributes:
        sums: in the order of `SUMS`.
        seen: its receptive field.
    """

    sums: tuple[int, ...]
    seen: Seen

    def difference(self, other: Row) -> str:
        """What differs, in words; empty where nothing does."""
        pairs = zip(SUMS, self.sums, other.sums, strict=True)
        found = [f"{name} {mine:,} and {theirs:,}" for name, mine, theirs in pairs if mine != theirs]
        if self.seen != other.seen:
            found.append(f"receptive field {self.seen} and {other.seen}")
        return ", ".join(found)


def packed(values: list[int]) -> Numbers:
    """A column in little memory."""
    try:
        return array("q", values)
    except OverflowError:
        return values


def joined(parts: Sequence[Designs]) -> Designs:
    """Several in one, by the designs' numbers."""
    found = Designs()
    numbers = [number for part in parts for number in part.numbers]
    order = sorted(range(len(numbers)), key=numbers.__getitem__)
    found.numbers = packed([numbers[row] for row in order])
    for name in SUMS:
        column = [value for part in parts for value in part.columns[name]]
        found.columns[name] = packed([column[row] for row in order])
    seen = [one for part in parts for one in part.seen]
    found.seen = [seen[row] for row in order]
    for part in parts:
        found.invalid += part.invalid
        found.problems += part.problems
        found.entire += part.entire
        found.checked += part.checked
        found.reason = found.reason or part.reason
    return found


def designs_of(table: Table, base: int, conditions: Conditions) -> Designs:
    """The figures of a table that begins with the first part.

    Args:
        table: the designs.
        base: what is to be added to their numbers.
        conditions: of the analysis.
    """
    size = DTYPE_BYTES[conditions.dtype]
    weights = [params * size for params in table.params]
    peak = [sum(parts) for parts in zip(weights, table.buffer_bytes, table.peak, strict=True)]
    known: dict[object, Seen] = {}
    for seen in set(table.seen):
        assert seen is not None
        known[seen] = tuple([None if axis is None else (axis[0] + 1, axis[1]) for axis in seen])
    columns = (
        table.params,
        table.buffers,
        table.macs,
        table.flops,
        table.activations,
        weights,
        table.buffer_bytes,
        table.activation_bytes,
        peak,
    )
    return Designs(
        packed([base + number for number in table.numbers]),
        {name: packed(column) for name, column in zip(SUMS, columns, strict=True)},
        [known[seen] for seen in table.seen],
        table.invalid,
        [(base + number, problem) for number, problem in table.problems],
    )


def row_of(analysis: Analysis) -> Row:
    """The figures of a network that was analysed as a whole."""
    total, memory = analysis.total, analysis.total.memory
    axes = total.receptive_field.axes
    return Row(
        (
            total.params,
            total.buffers,
            total.macs,
            total.flops,
            total.activations,
            memory.params,
            memory.buffers,
            memory.activations,
            memory.inference_peak,
        ),
        tuple([None if axis is None else (axis.sizes[-1], axis.stride) for axis in axes]),
    )


def value_of(designs: Designs, name: str, row: int) -> int | Fraction | float:
    """A figure to sort by: of a field the largest along an axis, infinity where it is the whole."""
    if name not in FIELDS:
        return designs.columns[name][row]
    return field_value(designs.seen[row], name)


def field_value(seen: Seen, name: str) -> int | Fraction | float:
    """The same of a receptive field."""
    at = FIELDS.index(name)
    return max([inf if axis is None else axis[at] for axis in seen], default=inf)


def rows_within(designs: Designs, limits: Sequence[FigureLimit]) -> list[int]:
    """The rows that are within limits; those on the training step are looked at elsewhere."""
    rows = list(range(len(designs)))
    for name, limit in limits:
        if name in FIELDS:
            held = {seen for seen in set(designs.seen) if _field_holds(seen, name, limit)}
            rows = [row for row in rows if designs.seen[row] in held]
        elif name in SUMS:
            column = designs.columns[name]
            bound = bound_of(limit)
            rows = (
                [row for row in rows if column[row] <= bound]
                if limit.is_upper
                else [row for row in rows if column[row] >= bound]
            )
    return rows


def bound_of(limit: Limit) -> int:
    """The largest whole number within an upper limit, or the smallest within a lower one."""
    value = limit.value
    if limit.is_upper:
        return floor(value) if limit.relation == "<=" else ceil(value) - 1
    return ceil(value) if limit.relation == ">=" else floor(value) + 1


def _field_holds(seen: Seen, name: str, limit: Limit) -> bool:
    at = FIELDS.index(name)
    if name == "stride" and None in seen:
        return False
    return all(limit.holds(inf if axis is None else axis[at]) for axis in seen)


def holds_as_a_whole(analysis: Analysis, limits: Sequence[FigureLimit]) -> bool:
    """Whether a network is within limits; what is not known is not."""
    from archlab.analysis.limits import State, judge_limit

    return all(judge_limit(analysis, name, limit).state is State.HOLDS for name, limit in limits)


def is_whole_only(name: str) -> bool:
    """Whether a figure is known of whole networks only."""
    return name not in FIGURES
