"""A whole picture: the fields over the input, the weight along the axes, the growth along the network."""

from __future__ import annotations

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine

from archlab.analysis.receptive_field.effective import EffectiveField
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.words import counted
from archlab.files.output import replacing
from archlab.report.field import FieldReport
from archlab.report.plot.field_map import draw_map, legend_handles
from archlab.report.plot.growth import draw_growth
from archlab.report.plot.profile import axes_are_equal, draw_profile
from archlab.report.plot.style import style
from archlab.report.plot.view import Box, Grid, measured_grid, product_grid, view_of


def save(report: FieldReport, path: Path) -> None:
    """Draw a report to a .png or .svg file; equal reports give equal files.

    Args:
        report: with an estimate or a measurement.
        path: its ending chooses the form.

    Raises:
        ConfigError: if there is nothing to draw, or the file cannot be written.
    """
    with style():
        write(draw(report), path)


def write(figure: Figure, path: Path) -> None:
    """A figure to a file, without the time of day.

    Raises:
        ConfigError: if the file cannot be written.
    """
    metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
    try:
        with replacing(path) as made:
            figure.savefig(made, metadata=metadata)
    except OSError as error:
        raise single_problem(f"cannot write {path}: {error.strerror or error}", Code.UNWRITABLE) from None


def draw(report: FieldReport) -> Figure:
    """The picture, within `style`.

    Raises:
        ConfigError: if the unit reads no input, or too many positions.
    """
    maps = _maps(report)
    if not maps:
        raise single_problem(f"{report.areas()[0]}: there is nothing to draw", Code.WRONG_VALUE)
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1, hspace=0.04, wspace=0.03)
    figure = Figure(figsize=(4.6 * (len(maps) + 1) + 0.8, 8.4), layout=layout)
    FigureCanvasAgg(figure)
    figure.suptitle(_title(report), x=0.012, ha="left", fontweight="bold")
    grid = figure.add_gridspec(2, len(maps) + 1, height_ratios=(1.55, 1))
    view = view_of(report)
    image: AxesImage | None = None
    for column, (title, values, box, held) in enumerate(maps):
        axes = figure.add_subplot(grid[0, column])
        image = draw_map(axes, report, view, values, box, held)
        axes.set_title(title)
        handles = legend_handles(report, view, held)
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(-0.02, -0.14), borderaxespad=0, handlelength=1.6)
    assert image is not None
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02, aspect=28)
    bar.set_label(_bar_label(report))
    bar.outline.set_visible(False)  # type: ignore[operator, unused-ignore]
    both = axes_are_equal(report)
    panels = grid[0, len(maps)].subgridspec(1 if both else 2, 1)
    for axis in (0,) if both else (0, 1):
        draw_profile(figure.add_subplot(panels[axis, 0]), report, view, axis, both=both)
    draw_growth(figure.add_subplot(grid[1, :]), report)
    return figure


def _maps(report: FieldReport) -> list[tuple[str, Grid, Box, EffectiveField]]:
    """Title, weights, their place and intervals of each map."""
    found: list[tuple[str, Grid, Box, EffectiveField]] = []
    if report.estimate is not None:
        found.append(
            ("Estimate: share of paths (product of both axes)", *product_grid(report.estimate), report.estimate)
        )
    measured = report.measured
    if measured is not None:
        title = f"Measured: squared gradients, {counted(measured.samples, 'sample')}"
        found.append((title, *measured_grid(measured.shares), measured.axes))
    return found


def _bar_label(report: FieldReport) -> str:
    if report.measured is None:
        return "weight, relative to the largest"
    return "weight (1: largest; measured: 99.5 % quantile)"


def _title(report: FieldReport) -> str:
    title = report.title()
    return title if len(title) <= 110 else title[:109] + "…"
