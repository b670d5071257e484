"""A picture of a projective field: the position, the units that it reaches, and how that grows along the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from archlab.analysis.projective_field.axis_projection import AxisProjection
from archlab.layers.shape import AXIS_NAMES, UNIT_NAMES, map_size, size_along
from archlab.report.plot.labels import legend_below
from archlab.report.plot.look import PANELS, PanelLook
from archlab.report.plot.sheet import fit_narrow, panels, write
from archlab.report.plot.style import DASHES, EFFECTIVE, HOLES, INK, INPUT, PADDING, THEORY, style
from archlab.report.plot.view import binned
from archlab.report.projection import ProjectionReport

LINES = ("-", DASHES, ":")
"""By axis."""
Flags = NDArray[np.bool_]


def save(report: ProjectionReport, path: Path, look: PanelLook = PANELS) -> None:
    """Draw a report to a .png, .svg or .pdf file; equal reports give equal files.

    Args:
        report: of a position.
        path: its ending chooses the form.
        look: of the picture.

    Raises:
        ConfigError: if the file cannot be written.
    """
    with style(font_size=look.font_size):
        write(draw(report, look), path)


def draw(report: ProjectionReport, look: PanelLook = PANELS) -> Figure:
    """The picture, within `style`."""
    axes_shown = _distinct_axes(report)
    count = 2 + len(axes_shown)
    figure = panels(report.title(), (4.6 * count + 0.8, 8.4), look)
    if look.is_narrow:
        rows = figure.add_gridspec(count + 1, 1, height_ratios=(*[1.4] * count, 1))
        places = [rows[row, 0] for row in range(count + 1)]
    else:
        grid = figure.add_gridspec(2, count, height_ratios=(1.55, 1))
        places = [*[grid[0, column] for column in range(count)], grid[1, :]]
    _draw_input(figure.add_subplot(places[0]), report)
    _draw_units(figure.add_subplot(places[1]), report)
    for place, axis in zip(places[2:], axes_shown, strict=False):
        _draw_relation(figure.add_subplot(place), report, axis, alone=len(axes_shown) == 1)
    _draw_growth(figure.add_subplot(places[-1]), report, below=look.is_narrow)
    if look.is_narrow:
        fit_narrow(figure)
    return figure


def _distinct_axes(report: ProjectionReport) -> list[int]:
    """The axes whose projections differ; one where all are the same."""
    shown: list[int] = []
    for axis, one in enumerate(report.projections):
        if not any(one is report.projections[other] and report.at[axis] == report.at[other] for other in shown):
            shown.append(axis)
    return shown


def _draw_input(axes: Axes, report: ProjectionReport) -> None:
    """The input, and in it the position."""
    extents = report.analysis.graph.input_shape[1:]
    height, width = _plane(extents, 1)
    row, column = _plane(report.at, 0)
    axes.set_facecolor(PADDING)
    axes.add_patch(Rectangle((-0.5, -0.5), width, height, facecolor="white", zorder=0))
    axes.add_patch(Rectangle((-0.5, -0.5), width, height, fill=False, edgecolor=INPUT, linewidth=1.4, zorder=3))
    if height > 1:
        axes.axhline(row, color=THEORY, linewidth=0.8, linestyle=DASHES)
    axes.axvline(column, color=THEORY, linewidth=0.8, linestyle=DASHES)
    axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=THEORY, edgecolor=THEORY, linewidth=2))
    axes.set_title(f"The input: {report.at_text}")
    _label(axes, "the input", len(extents))
    handles = [
        Patch(facecolor=THEORY, label=f"the position: {', '.join(map(str, report.at))}"),
        Patch(facecolor="white", edgecolor=INPUT, linewidth=1.4, label=f"input: {_size_text(extents)}"),
    ]
    _draw_unreached(axes, report, handles)
    _limits(axes, height, width)
    legend_below(axes, handles)


def _draw_unreached(axes: Axes, report: ProjectionReport, handles: list[Patch]) -> None:
    """Grey over the positions that reach no result: lighter where several share a place and some reach one."""
    if not any(found.positions for found in report.unreached):
        return
    extents = report.analysis.graph.input_shape[1:]
    height, width = _plane(extents, 1)
    flags = [_flags(found.positions, extent) for found, extent in zip(report.unreached, extents, strict=True)]
    columns = 1 - binned(flags[-1]).mean(axis=1)
    rows = 1 - binned(flags[-2]).mean(axis=1) if len(flags) > 1 else np.ones(1)
    axes.imshow(
        1 - np.outer(rows, columns),
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        cmap=LinearSegmentedColormap.from_list("unreached", ["white", HOLES]),
        interpolation="antialiased",
        vmin=0,
        vmax=1,
        zorder=0.5,
    )
    handles.append(Patch(facecolor=HOLES, label="reach no result"))


def _draw_units(axes: Axes, report: ProjectionReport) -> None:
    """The layer's map, and in it the units that are reached."""
    size = size_along(report.node.shape, len(report.at)) or (1,) * len(report.at)
    height, width = _plane(size, 1)
    axes.set_facecolor(PADDING)
    axes.add_patch(Rectangle((-0.5, -0.5), width, height, facecolor="white", zorder=0))
    axes.add_patch(Rectangle((-0.5, -0.5), width, height, fill=False, edgecolor=INPUT, linewidth=1.4, zorder=3))
    handles: list[Patch] = []
    reached = report.reached
    if reached is not None:
        flags = [_flags(runs, units) for runs, units in zip(reached, size, strict=True)]
        rows: Flags = binned(flags[-2]).max(axis=1) if len(flags) > 1 else np.ones(1, dtype=np.bool_)
        columns: Flags = binned(flags[-1]).max(axis=1)
        grid = np.outer(rows.astype(np.float64), columns.astype(np.float64))
        axes.imshow(
            grid,
            extent=(-0.5, width - 0.5, height - 0.5, -0.5),
            cmap=ListedColormap(["white", EFFECTIVE]),
            interpolation="nearest",
            vmin=0,
            vmax=1,
            alpha=0.75,
            zorder=0.5,
        )
        spans = [(runs[0][0], runs[-1][1]) for runs in reached]
        (top, bottom), (left, right) = spans[-2:] if len(spans) > 1 else [(0, 0), spans[0]]
        box = Rectangle((left - 0.5, top - 0.5), right - left + 1, bottom - top + 1, fill=False, edgecolor=THEORY,
                        linewidth=2, zorder=4)  # fmt: skip
        axes.add_patch(box)
        own = _size_text([last - first + 1 for first, last in spans])
        handles += [
            Patch(facecolor="none", edgecolor=THEORY, linewidth=1.8, label=f"projective field: {own}"),
            Patch(facecolor=EFFECTIVE, alpha=0.75, label=f"units reached: {_size_text([int(f.sum()) for f in flags])}"),
        ]
    handles.append(Patch(facecolor="white", edgecolor=INPUT, linewidth=1.4, label=f"map: {_size_text(size)}"))
    _limits(axes, height, width)
    axes.set_title(f"Units of {report.node.path}" + ("" if reached else ": none reached"))
    _label(axes, "the map", len(size))
    legend_below(axes, handles)


def _draw_relation(axes: Axes, report: ProjectionReport, axis: int, *, alone: bool) -> None:
    """Which units each position reaches, along an axis."""
    projection = report.projections[axis]
    grid = relation(projection)
    positions, units = projection.positions, projection.units
    axes.imshow(grid.T, extent=(-0.5, positions - 0.5, units - 0.5, -0.5), cmap=ListedColormap(["white", EFFECTIVE]),
                interpolation="nearest", aspect="auto", vmin=0, vmax=1, alpha=0.75)  # fmt: skip
    axes.axvline(report.at[axis], color=THEORY, linewidth=1.5, linestyle=DASHES)
    words = [word.removesuffix("s") for word in UNIT_NAMES[len(report.at)]]
    name = " or ".join(words) if alone and len(words) > 1 else words[axis]
    axes.set_title(f"Units by {name} of the input")
    axes.set_xlabel(f"{name} of the input (positions)")
    axes.set_ylabel(f"{name} of the map (units)")
    for ruler in (axes.xaxis, axes.yaxis):
        ruler.set_major_locator(MaxNLocator(nbins=7, integer=True))


def relation(projection: AxisProjection) -> Flags:
    """Whether each position reaches each unit: positions by units, several in a place where there are many."""
    positions = max(1, -(-projection.positions // 1_024))
    flags = [_flags(projection.reached(at), projection.units) for at in range(0, projection.positions, positions)]
    return np.array([binned(one).max(axis=1) for one in flags])


def _draw_growth(axes: Axes, report: ProjectionReport, *, below: bool) -> None:
    """Share of each layer's units that the position reaches, against the layer's number."""
    axes.set_title("Growth along the network: share of each map that the position reaches")
    words = AXIS_NAMES[len(report.at)]
    curves: list[list[float]] = [[] for _ in words]
    numbers: list[int] = []
    for layer in report.analysis.layers:
        node = layer.node
        seen = layer.receptive_field
        if map_size(node.shape) is None or seen.is_global or seen.is_nothing:
            continue
        numbers.append(node.index)
        for axis, projection in enumerate(report.analysis.projections[node.index]):
            runs = projection.reached(report.at[axis])
            curves[axis].append(sum([last - first + 1 for first, last in runs]) / projection.units)
    same = all(curve == curves[0] for curve in curves)
    for axis, curve in enumerate(curves[:1] if same else curves):
        label = "along each axis" if same and len(words) > 1 else words[axis]
        axes.plot(numbers, curve, color=THEORY, linewidth=2.2, linestyle=LINES[axis], label=label)
    if report.node.index in numbers:
        axes.axvline(report.node.index, color=INK, linewidth=1, linestyle=":", label=report.node.path)
    axes.set_ylim(0, 1.05)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("layer (its number in the file)")
    axes.set_ylabel("share of the units")
    if below:
        legend_below(axes, from_edge=True)
    else:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _flags(runs: list[tuple[int, int]], count: int) -> Flags:
    flags = np.zeros(count, dtype=np.bool_)
    for first, last in runs:
        flags[first : last + 1] = True
    return flags


def _plane(values: tuple[int, ...], single: int) -> tuple[int, int]:
    """The last two axes' values: one axis is drawn as a band, of three the plane of the first one's middle."""
    return (values[-2], values[-1]) if len(values) > 1 else (single, values[0])


def _limits(axes: Axes, height: int, width: int) -> None:
    """Room around a map."""
    reach = 0.03 * max(height, width)
    axes.set_xlim(-0.5 - reach, width - 0.5 + reach)
    if height > 1:
        axes.set_ylim(height - 0.5 + reach, -0.5 - reach)
    else:  # a band, as high as the picture
        axes.set_ylim(0.55, -0.55)
    axes.set_aspect("equal" if height > 1 else "auto")
    for ruler in (axes.xaxis, axes.yaxis):
        ruler.set_major_locator(MaxNLocator(nbins=7, integer=True))
    if height == 1:
        axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _label(axes: Axes, whose: str, rank: int) -> None:
    words = [word.removesuffix("s") for word in UNIT_NAMES[rank]]
    axes.set_xlabel(f"{words[-1]} of {whose}")
    if rank > 1:
        axes.set_ylabel(f"{words[-2]} of {whose}")
    else:
        axes.set_yticks([])


def _size_text(values: tuple[int, ...] | list[int]) -> str:
    return " x ".join(map(str, values))
