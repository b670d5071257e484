"""A whole picture: the fields over the input, the weight along the axes, the growth along the network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from archlab.analysis.receptive_field.effective import EffectiveField
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.words import counted
from archlab.report.field import FieldReport
from archlab.report.plot.field_map import axis_words, draw_map, legend_handles
from archlab.report.plot.growth import draw_growth
from archlab.report.plot.labels import legend_below
from archlab.report.plot.look import PANELS, PanelLook
from archlab.report.plot.profile import draw_profile, equal_axes
from archlab.report.plot.sheet import fit_narrow, panels, write
from archlab.report.plot.style import style
from archlab.report.plot.view import PLANES, Box, Grid, Plane, measured_grid, product_grid, view_of


def save(report: FieldReport, path: Path, look: PanelLook = PANELS) -> None:
    """Draw a report to a .png, .svg or .pdf file; equal reports give equal files.

    Args:
        report: with an estimate or a measurement.
        path: its ending chooses the form.
        look: of the picture.

    Raises:
        ConfigError: if there is nothing to draw, or the file cannot be written.
    """
    with style(font_size=look.font_size):
        write(draw(report, look), path)


def draw(report: FieldReport, look: PanelLook = PANELS) -> Figure:
    """The picture, within `style`: a map for each estimate and measurement, or one for each plane of three axes.

    Raises:
        ConfigError: if the unit reads no input, or too many positions.
    """
    kinds = _kinds(report)
    if not kinds:
        raise single_problem(f"{report.areas()[0]}: there is nothing to draw", Code.WRONG_VALUE)
    layouts = {1: _draw_band, 2: _draw_plane, 3: _draw_planes}
    figure = layouts[len(report.spans)](report, kinds, look)
    if look.is_narrow:
        fit_narrow(figure)
    return figure


class _Kind(NamedTuple):
    """What a map shows.

    Attributes:
        title: over it.
        grid: gives its weights, and where they lie, on a plane.
        held: whose intervals are drawn.
    """

    title: str
    grid: Callable[[Plane], tuple[Grid, Box]]
    held: EffectiveField


def _draw_plane(report: FieldReport, kinds: list[_Kind], look: PanelLook) -> Figure:
    """Two axes: maps and curves side by side, the growth below; all below one another where it is narrow."""
    figure = panels(report.title(), (4.6 * (len(kinds) + 1) + 0.8, 8.4), look)
    groups = equal_axes(report)
    if look.is_narrow:
        rows = figure.add_gridspec(len(kinds) + len(groups) + 1, 1, height_ratios=_heights(len(kinds), len(groups) + 1))
        places = [rows[row, 0] for row in range(len(kinds) + len(groups) + 1)]
    else:
        grid = figure.add_gridspec(2, len(kinds) + 1, height_ratios=(1.55, 1))
        curves = grid[0, len(kinds)].subgridspec(len(groups), 1)
        places = [grid[0, column] for column in range(len(kinds))]
        places += [*[curves[row, 0] for row in range(len(groups))], grid[1, :]]
    (plane,) = PLANES[2]
    view = view_of(report, plane)
    shown: list[Axes] = []
    for place, kind in zip(places, kinds, strict=False):
        axes = figure.add_subplot(place)
        shown.append(axes)
        image = draw_map(axes, report, view, *kind.grid(plane), kind.held)
        axes.set_title(kind.title)
        legend_below(axes, legend_handles(report, view, kind.held), from_edge=look.is_narrow)
    _bar(figure, image, shown if look.is_narrow else shown[-1], report, aspect=28)
    for place, group in zip(places[len(kinds) :], groups, strict=False):
        draw_profile(figure.add_subplot(place), report, view, group, from_edge=look.is_narrow)
    draw_growth(figure.add_subplot(places[-1]), report, below=look.is_narrow)
    return figure


def _heights(maps: int, curves: int) -> tuple[float, ...]:
    """Of panels below one another."""
    return (*[1.7] * maps, *[1.0] * curves)


def _draw_band(report: FieldReport, kinds: list[_Kind], look: PanelLook) -> Figure:
    """One axis: a band for each map above the curves, at the same positions; the growth below."""
    count = len(kinds)
    figure = panels(report.title(), (11, 6.8 + 1.2 * count), look)
    outer = figure.add_gridspec(2, 1, height_ratios=(2.8 + 1.2 * count, 3.4))
    grid = outer[0].subgridspec(count + 1, 1, height_ratios=(*[0.22] * count, 1))
    (plane,) = PLANES[1]
    view = view_of(report, plane)
    shown: list[Axes] = []
    for row, kind in enumerate(kinds):
        axes = figure.add_subplot(grid[row, 0])
        image = draw_map(axes, report, view, *kind.grid(plane), kind.held)
        axes.set_title(kind.title)
        axes.set_xlabel("")
        shown.append(axes)
    shown.append(figure.add_subplot(grid[count, 0]))
    draw_profile(shown[-1], report, view, (0,), legend=False)
    curves, _ = shown[-1].get_legend_handles_labels()
    handles = legend_handles(report, view, kinds[0].held)
    if count > 1:
        estimate, measured = (kind.held.axes[0].size for kind in kinds)
        handles[1].set_label(f"95 % of the weight: {estimate} (estimate), {measured} (measured)")
    legend_below(shown[-1], [*handles, *curves], columns=1 if look.is_narrow else 3, from_edge=look.is_narrow)
    _bar(figure, image, shown, report, aspect=40)
    draw_growth(figure.add_subplot(outer[1].subgridspec(1, 1)[0, 0]), report, below=look.is_narrow)
    return figure


def _draw_planes(report: FieldReport, kinds: list[_Kind], look: PanelLook) -> Figure:
    """Three axes: a row of the three planes through the unit for each map, then the curves and the growth."""
    planes, count = PLANES[3], len(kinds)
    figure = panels(report.title(), (4.6 * len(planes) + 0.8, 4.9 * count + 6.8), look)
    across = 1 if look.is_narrow else len(planes)
    groups = equal_axes(report)
    high = 4.9 * len(planes) / across
    rows = figure.add_gridspec(count + 2, 1, height_ratios=(*[high] * count, 3.4 * len(groups) ** (across == 1), 3.4))
    views = [view_of(report, plane) for plane in planes]
    words = axis_words(report)
    for row, kind in enumerate(kinds):
        down = len(planes) // across
        grid = rows[row].subgridspec(down + 1, across, height_ratios=(*[1] * down, 0.06))
        shown = [figure.add_subplot(grid[at // across, at % across]) for at in range(len(planes))]
        for axes, view in zip(shown, views, strict=True):
            image = draw_map(axes, report, view, *kind.grid(view.plane), kind.held)
            (left,) = {0, 1, 2} - {*view.plane}
            axes.set_title(f"{kind.title.partition(':')[0]}, summed over the {words[left]}s")
        below = figure.add_subplot(grid[-1, :])
        below.set_axis_off()
        handles = legend_handles(report, views[0], kind.held)
        below.legend(handles=handles, loc="upper left", ncols=1 if look.is_narrow else 4, borderaxespad=0)
        _bar(figure, image, shown, report, aspect=28)
    shape = (len(groups), 1) if look.is_narrow else (1, len(groups))
    curves = rows[count].subgridspec(*shape)
    for at, group in enumerate(groups):
        view = next(view for view in views if group[0] in view.plane)
        place = curves[at, 0] if look.is_narrow else curves[0, at]
        draw_profile(figure.add_subplot(place), report, view, group, from_edge=look.is_narrow)
    draw_growth(figure.add_subplot(rows[count + 1].subgridspec(1, 1)[0, 0]), report, below=look.is_narrow)
    return figure


def _bar(figure: Figure, image: AxesImage, axes: Axes | list[Axes], report: FieldReport, *, aspect: int) -> None:
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02, aspect=aspect)
    bar.set_label(_bar_label(report))
    bar.outline.set_visible(False)  # type: ignore[operator, unused-ignore]


def _kinds(report: FieldReport) -> list[_Kind]:
    """The estimate and the measurement, where there are any."""
    found: list[_Kind] = []
    if report.estimate is not None:
        product = {1: "", 2: " (product of both axes)", 3: " (product of all axes)"}[len(report.spans)]
        title = f"Estimate: share of paths{product}"
        found.append(_Kind(title, partial(product_grid, report.estimate), report.estimate))
    measured = report.measured
    if measured is not None:
        title = f"Measured: squared gradients, {counted(measured.samples, 'sample')}"
        found.append(_Kind(title, partial(measured_grid, measured.shares), measured.axes))
    return found


def _bar_label(report: FieldReport) -> str:
    if report.measured is None:
        return "weight, relative to the largest"
    return "weight (1: largest; measured: 99.5 % quantile)"
