"""The pieces of an explanation: sections with formula lines, notes and drawings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeVar

from archlab.diagnostics.words import all_of
from archlab.layers.shape import AXIS_NAMES

T = TypeVar("T")
Result = int | Fraction | float | str


@dataclass(frozen=True, slots=True)
class Step:
    """A formula, the formula with numbers put in, and the result.

    Attributes:
        name: of what is computed.
        formula: in words; empty where the name says it.
        numbers: the same with numbers; empty where there is nothing to put in.
        result: the analysis' number.
        remark: behind the result.
    """

    name: str
    formula: str
    numbers: str
    result: Result
    remark: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        result = self.result
        if isinstance(result, Fraction):
            result = result.numerator if result.denominator == 1 else str(result)
        row = {"name": self.name, "formula": self.formula, "numbers": self.numbers, "result": result}
        return {**row, "remark": self.remark} if self.remark else row


@dataclass(slots=True)
class Section:
    """One topic about a layer.

    Attributes:
        key: for JSON.
        title: for people.
        source: where the formulas come from.
        steps: the formula lines.
        notes: sentences below them.
        drawing: preformatted text.
        data: further values for JSON.
    """

    key: str
    title: str
    source: str = ""
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    drawing: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "key": self.key,
            "title": self.title,
            "source": self.source,
            "steps": [step.to_dict() for step in self.steps],
            "notes": self.notes,
            **({"drawing": self.drawing.splitlines()} if self.drawing else {}),
            **self.data,
        }


def alike(found: Sequence[T]) -> list[tuple[str, T]]:
    """What was found along each axis, once for those of which it is the same, with their names."""
    named = list(zip(AXIS_NAMES[len(found)], found, strict=True))
    distinct = [one for at, one in enumerate(found) if one not in found[:at]]
    return [(all_of([name for name, value in named if value == one]), one) for one in distinct]


def number(value: Result) -> str:
    """`1,234`, `1/2` or a text as it is."""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value.numerator:,}" if isinstance(value, Fraction) and value.denominator == 1 else str(value)


def plus(value: int) -> str:
    """`+ 3` or `- 3`."""
    return f"+ {value}" if value >= 0 else f"- {-value}"


def times(*values: int) -> str:
    """`64 x 3 x 7 x 7`."""
    return " x ".join(f"{value:,}" for value in values)
