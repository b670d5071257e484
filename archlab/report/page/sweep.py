"""The designs of a sweep as one HTML page."""

from __future__ import annotations

from archlab.diagnostics.requirements import require
from archlab.report.bounds import check_rows
from archlab.report.page import charts
from archlab.report.page.render import environment, script_values
from archlab.report.sweep import people_rows
from archlab.report.sweep_points import KEYS, design_counts, design_points, fields_differ, seeing
from archlab.sweep.figures import Designs
from archlab.sweep.front import limits_text
from archlab.sweep.space import Space
from archlab.sweep.work import Question


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


def scatter(space: Space, designs: Designs) -> charts.Spec:
    """What the designs see against what they cost; any two costs where all see the same."""
    points = design_points(space, designs)
    return charts.reach(seeing(points), list(KEYS)) if fields_differ(points) else charts.pareto(points)


def distribution(designs: Designs) -> charts.Spec:
    """How many designs have how much of each figure, as RegNet and MCUNet draw the designs that fit a budget."""
    return charts.distribution([record for key in KEYS for record in design_counts(designs, key)])
