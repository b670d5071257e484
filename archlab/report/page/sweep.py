"""The designs of a sweep as one HTML page, and as charts by themselves."""

from __future__ import annotations

from math import floor, inf, log10
from typing import Any

from archlab.analysis.row import Row
from archlab.diagnostics.requirements import require
from archlab.report.bounds import check_rows
from archlab.report.figures import FIGURES
from archlab.report.page import charts
from archlab.report.page.picture import Picture
from archlab.report.page.render import environment, script_values
from archlab.report.sweep import people_rows
from archlab.sweep.figures import SUMS, Designs, field_value
from archlab.sweep.front import front_of, limits_text, wishes
from archlab.sweep.space import Space
from archlab.sweep.whole import design_text
from archlab.sweep.work import Question

MOST_POINTS = 3_000
"""Of a chart; of more designs every so many."""
BINS_PER_DECADE = 12
"""Of a distribution."""
_KEYS = {
    "macs": "macs",
    "params": "params",
    "flops": "flops",
    "activations": "activations",
    "inference_peak": "memory.inference_peak",
}
"""Figures of pages, and what they are called here."""


def sweep_page(question: Question, designs: Designs, *, command: str) -> str:
    """The page: what varies, the designs, two figures of them against each other, and how each is distributed.

    Args:
        question: what was asked.
        designs: the result.
        command: that made it.

    Raises:
        MissingRequirementError: without the extra `report`.
        ConfigError: for too many designs.
    """
    require("jinja2", "report", "an HTML page")
    require("vl_convert", "report", "an HTML page")
    check_rows(len(designs), "a page", advice="give --limit, or ")
    space = question.space
    rows = people_rows(space, designs)
    name = space.document.name if space.variant is None else space.variant.name
    specs = {"pareto": scatter(space, designs), "distribution": distribution(designs)} if len(designs) else {}
    limits = limits_text(question.limits)
    return (
        environment()
        .get_template("sweep.html.j2")
        .render(
            title=f"{name}: {len(designs):,} of {space.size:,} designs",
            knobs=[(knob.name, len(knob.values)) for knob in space.knobs],
            limits=limits,
            columns=list(rows[0]) if rows else [],
            rows=[list(row.values()) for row in rows],
            charts=[(key, spec["description"]) for key, spec in specs.items()],
            command=command,
            checked=designs.checked,
            **script_values({key: _without_title(spec) for key, spec in specs.items()}),
        )
    )


def _without_title(spec: charts.Spec) -> charts.Spec:
    return {key: value for key, value in spec.items() if key != "title"}


def sweep_picture(space: Space, designs: Designs, figure: str) -> Picture:
    """One chart by itself.

    Args:
        space: of the designs.
        designs: to draw.
        figure: pareto or distribution.

    Raises:
        MissingRequirementError: without the extra `report`.
    """
    require("vl_convert", "report", "a chart")
    return Picture(scatter(space, designs) if figure == "pareto" else distribution(designs))


def scatter(space: Space, designs: Designs) -> charts.Spec:
    """What the designs see against what they cost; any two costs where they all see everything."""
    points = [_point(space, designs, row) for row in _drawn(designs)]
    seeing = [point for point in points if point["receptive_field"] is not None]
    return charts.reach(seeing, list(_KEYS)) if seeing else charts.pareto(points)


def _drawn(designs: Designs) -> list[int]:
    """Every so many rows of many, and those on the lines."""
    step = -(-len(designs) // MOST_POINTS)
    if step <= 1:
        return list(range(len(designs)))
    lines = [row for name in _KEYS.values() for row in front_of(designs, wishes([name, "receptive_field"]))]
    return sorted({*range(0, len(designs), step), *lines})


def _point(space: Space, designs: Designs, row: int) -> Row:
    point: Row = {"name": design_text(space, designs.numbers[row]), **dict.fromkeys([f.key for f in FIGURES])}
    point |= {key: designs.columns[name][row] for key, name in _KEYS.items()}
    size = field_value(designs.seen[row], "receptive_field")
    return {**point, "receptive_field": None if size == inf else int(size)}


def distribution(designs: Designs) -> charts.Spec:
    """How many designs have how much of each figure, as RegNet and MCUNet draw the designs that fit a budget."""
    records = [record for name in SUMS if name in _KEYS.values() for record in _counted(designs, name)]
    return charts.distribution(records)


def _counted(designs: Designs, name: str) -> list[Row]:
    found: dict[int, int] = {}
    for value in designs.columns[name]:
        if value > 0:
            place = floor(log10(value) * BINS_PER_DECADE)
            found[place] = found.get(place, 0) + 1
    return [
        {"figure": name, "low": _edge(place), "high": _edge(place + 1), "designs": count}
        for place, count in sorted(found.items())
    ]


def _edge(place: int) -> Any:
    return 10 ** (place / BINS_PER_DECADE)
