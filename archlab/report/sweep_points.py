"""Designs of a sweep as charts take them: points of two figures, and how many have how much of one."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, inf, log10
from typing import Any

from archlab.analysis.row import Row
from archlab.report.figures import FIGURES
from archlab.report.sweep import knob_columns
from archlab.sweep.figures import Designs, field_value
from archlab.sweep.front import front_of, wishes
from archlab.sweep.space import Space

MOST_POINTS = 3_000
"""Of a chart; of more designs every so many."""
BINS_PER_DECADE = 12
"""Of a distribution."""
KEYS = {
    "macs": "macs",
    "params": "params",
    "flops": "flops",
    "activations": "activations",
    "inference_peak": "memory.inference_peak",
}
"""Figures of charts, and what they are called in a sweep."""
SEES = "receptive_field"
"""One more, of which more is better."""


def design_points(space: Space, designs: Designs) -> list[Row]:
    """A row of figures for each design; of many, for every so many and those on the fronts."""
    rows = _drawn(designs)
    shown = designs.picked(rows)
    knobs = [*knob_columns(space, shown).items()][: len(space.knobs)]
    names = [", ".join([f"{name}={values[at]}" for name, values in knobs]) for at in range(len(rows))]
    return [_point(shown, at, name) for at, name in enumerate(names)]


def seeing(points: Sequence[Row]) -> list[Row]:
    """The points of designs that do not see everything."""
    return [point for point in points if point["receptive_field"] is not None]


def fields_differ(points: Sequence[Row]) -> bool:
    """Whether what is seen tells designs apart: a chart of it would be a straight line otherwise."""
    return len({point["receptive_field"] for point in seeing(points)}) > 1


def _drawn(designs: Designs) -> list[int]:
    step = -(-len(designs) // MOST_POINTS)
    if step <= 1:
        return list(range(len(designs)))
    lines = [row for name in KEYS.values() for row in front_of(designs, wishes([name, "receptive_field"]))]
    return sorted({*range(0, len(designs), step), *lines})


def _point(designs: Designs, row: int, name: str) -> Row:
    point: Row = {"name": name, **dict.fromkeys([f.key for f in FIGURES])}
    point |= {key: designs.columns[name][row] for key, name in KEYS.items()}
    size = field_value(designs.seen[row], "receptive_field")
    return {**point, "receptive_field": None if size == inf else int(size)}


def design_counts(designs: Designs, key: str) -> list[Row]:
    """How many designs have how much of a figure, in intervals of equal ratio.

    Args:
        designs: counted.
        key: one of `KEYS`.
    """
    found: dict[int, int] = {}
    for value in designs.columns[KEYS[key]]:
        if value > 0:
            place = floor(log10(value) * BINS_PER_DECADE)
            found[place] = found.get(place, 0) + 1
    return [
        {"figure": key, "low": _edge(place), "high": _edge(place + 1), "designs": count}
        for place, count in sorted(found.items())
    ]


def _edge(place: int) -> Any:
    return 10 ** (place / BINS_PER_DECADE)
