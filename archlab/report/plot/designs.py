"""The charts of a sweep for papers: designs by two figures, and how many have how much of one."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from archlab.analysis.conditions import Conditions
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.words import counted
from archlab.report.plot.charts import axis_words, draw_points, log_axis, scaled
from archlab.report.plot.look import Look
from archlab.report.plot.picture import Picture
from archlab.report.plot.sheet import canvas
from archlab.report.plot.style import SERIES
from archlab.report.sweep_points import SEES, design_counts, design_points, fields_differ
from archlab.sweep.figures import Designs
from archlab.sweep.space import Space


def sweep_picture(space: Space, designs: Designs, conditions: Conditions, figure: str, look: Look) -> Picture:
    """A chart of the designs; equal designs give equal files.

    Args:
        space: of the designs.
        designs: to draw.
        conditions: that their figures are under.
        figure: pareto, or the distribution of `look.x`.
        look: of the chart.

    Raises:
        ConfigError: where there are no designs, or none has the figures.
    """
    if not len(designs):
        raise single_problem("there are no designs within the limits: there is nothing to draw", Code.WRONG_VALUE)
    drawn: dict[str, Callable[[Axes], str]] = {
        "pareto": lambda axes: _draw_points(axes, space, designs, conditions, look),
        "distribution": lambda axes: _draw_counts(axes, designs, conditions, look),
    }
    return Picture(f"the {figure} of {counted(len(designs), 'design')}", lambda: _drawn(drawn[figure], look), look)


def _drawn(draw: Callable[[Axes], str], look: Look) -> Figure:
    figure = canvas(look)
    axes = figure.add_subplot()
    title = draw(axes)
    if look.title:
        axes.set_title(title)
    return figure


def _draw_points(axes: Axes, space: Space, designs: Designs, conditions: Conditions, look: Look) -> str:
    """Designs by two figures; returns the title."""
    points = design_points(space, designs)
    keys = look.x or "macs", look.y or (SEES if fields_differ(points) else "params")
    named = [(point["name"], point) for point in points]
    draw_points(axes, named, keys, lambda key, unit: _words(key, unit, conditions), "design", all_names=False)
    return "Designs, and a line through those that no other beats in both"


def _draw_counts(axes: Axes, designs: Designs, conditions: Conditions, look: Look) -> str:
    """How many designs have how much of a figure; returns the title."""
    key = look.x or "macs"
    records = design_counts(designs, key)
    if not records:
        raise single_problem(f"no design here has {key}, so that there is nothing to draw", Code.WRONG_VALUE)
    by, unit = scaled(key, [record["high"] for record in records])
    edges = [record["low"] / by for record in records], [record["high"] / by for record in records]
    widths = [high - low for low, high in zip(*edges, strict=True)]
    counts = [record["designs"] for record in records]
    axes.bar(edges[0], counts, widths, align="edge", color=SERIES[0], edgecolor="white", linewidth=0.5)
    log_axis(axes.xaxis, [edges[0][0], edges[1][-1]])
    axes.set_xlabel(_words(key, unit, conditions))
    axes.set_ylabel("designs")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return "How many designs have how much, in intervals of equal ratio"


def _words(key: str, unit: str, conditions: Conditions) -> str:
    return axis_words(key, unit, conditions.batch, conditions.dtype)
