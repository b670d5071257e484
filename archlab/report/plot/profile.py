"""The weight along one axis, with the borders that the map shows."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from archlab.analysis.receptive_field.effective import EffectiveAxis
from archlab.report.field import FieldReport
from archlab.report.plot.field_map import axis_words
from archlab.report.plot.labels import legend_below
from archlab.report.plot.style import DASHES, EFFECTIVE, FAINT, HOLES, INPUT, MEASURED, THEORY
from archlab.report.plot.view import View, binned, read_flags

MEASURED_LINES = ("-", ":", "-.")
"""Of a measured curve, by the number of its axis."""
MOST_BINS = 128
"""Steps of a curve; where there are more positions, a step is the mean of 2, 4, 8, ... of them."""


Group = tuple[int, ...]
"""Axes that one panel stands for."""


def equal_axes(report: FieldReport) -> list[Group]:
    """The axes, together where one curve of the estimate stands for several."""
    estimate, extents = report.estimate, report.analysis.graph.input_shape[1:]
    if estimate is None:
        return [(axis,) for axis in range(len(extents))]
    keys = [(one.span, one.first, tuple(one.weights), one.extent) for one in estimate.axes]
    return [tuple([axis for axis, other in enumerate(keys) if other == key]) for key in dict.fromkeys(keys)]


def draw_profile(
    axes: Axes, report: FieldReport, view: View, group: Group, *, legend: bool = True, from_edge: bool = False
) -> None:
    """The curves of one axis, or of several that are alike.

    Args:
        axes: to draw on.
        report: whose estimate and measurement are drawn.
        view: of a map that shows the axis.
        group: the axes.
        legend: whether it has one of its own.
        from_edge: whether that begins at the figure's edge.
    """
    axis, words = group[0], axis_words(report)
    highest = 0.0
    width = 1
    left, right = view.along(view.box, axis)
    while (right - left) / width > MOST_BINS:
        width *= 2
    if report.estimate is not None:
        estimate = report.estimate.axes[axis]
        highest = _steps(
            axes, estimate, width, EFFECTIVE, "-", f"estimate, std {estimate.std:.1f} positions", fill=True
        )
    if report.measured is not None:
        for number in group:
            measured = report.measured.axes.axes[number]
            along = f" {words[number]}s," if len(words) > 1 else ""
            label = f"measured,{along} std {measured.std:.1f} positions"
            highest = max(highest, _steps(axes, measured, width, MEASURED, MEASURED_LINES[number], label))
    _borders(axes, report, view, axis)
    _draw_reads(axes, report, axis)
    axes.set_xlim(left, right)
    axes.set_ylim(-0.05 * highest, 1.08 * highest)
    name = " or ".join([words[number] for number in group])
    axes.set_title(f"Weight of each {name}")
    axes.set_xlabel(f"{name} of the input{' (positions)' if len(words) > 1 else ''}")
    axes.set_ylabel("share of the weight" if width == 1 else f"share of the weight\n(means of {width} positions)")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    if legend:
        legend_below(axes, from_edge=from_edge)


def _steps(
    axes: Axes, axis: EffectiveAxis, width: int, colour: str, dashes: str, label: str, *, fill: bool = False
) -> float:
    """A curve in steps of `width` positions; returns its highest value."""
    before = axis.first % width  # the steps of all curves begin at the same positions
    after = -(before + len(axis.weights)) % width
    values = np.pad(np.asarray(axis.weights), (before, after)).reshape(-1, width).mean(axis=1)
    edges = axis.first - before + width * np.arange(len(values) + 1) - 0.5
    if fill:
        axes.stairs(values, edges, fill=True, color=colour, alpha=0.15, linewidth=0)
    axes.stairs(values, edges, color=colour, linestyle=dashes, linewidth=1.4, label=label, baseline=None)
    return float(values.max())


def _borders(axes: Axes, report: FieldReport, view: View, axis: int) -> None:
    """Upright lines where the map has its borders."""
    input_edges, field_edges = (view.along(box, axis) for box in (view.input, view.field))
    for edge in input_edges:
        axes.axvline(edge, color=INPUT, linewidth=1.2)
    for edge in field_edges:
        axes.axvline(edge, color=THEORY, linewidth=1.5)
    held = report.measured.axes if report.measured is not None and report.estimate is None else report.estimate
    if held is not None:
        first, last = held.axes[axis].interval
        for edge in (first - 0.5, last + 0.5):
            axes.axvline(edge, color=EFFECTIVE, linewidth=1.1, linestyle=DASHES)


def _draw_reads(axes: Axes, report: FieldReport, axis: int) -> None:
    """Below zero: a bar over the positions that are read, grey over the holes."""
    first, last = report.spans[axis]
    bins = binned(read_flags(report, axis))
    flags: NDArray[np.bool_] = bins.max(axis=1)
    size = bins.shape[1]
    starts = first - 0.5 + size * np.arange(len(flags))
    low = axes.get_xaxis_transform()
    if flags.all():
        axes.broken_barh([(starts[0], last - first + 1)], (0.0, 0.025), transform=low, facecolor=THEORY, linewidth=0)
        return
    for shown, colour in ((flags, THEORY), (~flags, HOLES)):
        spans = [(float(start), float(size)) for start in starts[shown]]
        axes.broken_barh(spans, (0.0, 0.025), transform=low, facecolor=colour, edgecolor=FAINT, linewidth=0.2)
