"""The fields of one unit over the input, seen from above: a plane, or the band of an input of one axis."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.image import AxesImage
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from archlab.analysis.receptive_field.effective import EffectiveField
from archlab.layers.shape import UNIT_NAMES
from archlab.report.field import FieldReport
from archlab.report.plot.style import DASHES, EFFECTIVE, FAINT, HOLES, INPUT, PADDING, THEORY, heat, size_text
from archlab.report.plot.view import Box, Grid, View, interval_box, read_flags, read_grid


def draw_map(axes: Axes, report: FieldReport, view: View, grid: Grid, box: Box, held: EffectiveField) -> AxesImage:
    """Heat map, holes, borders of the fields and of the input.

    Args:
        axes: to draw on.
        report: whose theoretical field is drawn.
        view: the part to show.
        grid: weight of each position, from 0 to 1.
        box: where the grid lies.
        held: whose 95 % intervals are drawn.
    """
    axes.set_facecolor(PADDING)
    axes.add_patch(_rectangle(view.input, facecolor="white", zorder=0))
    image = axes.imshow(
        grid,
        extent=(box[0], box[1], box[3], box[2]),
        cmap=heat(),
        norm=Normalize(0, 1),
        interpolation="nearest",
        zorder=1,
    )
    _draw_holes(axes, report, view)
    axes.add_patch(_rectangle(view.input, edgecolor=INPUT, linewidth=1.4, zorder=3))
    axes.add_patch(_rectangle(view.field, edgecolor=THEORY, linewidth=2, zorder=4))
    interval = interval_box(held, view.plane)
    axes.add_patch(_rectangle(interval, edgecolor=EFFECTIVE, linewidth=1.4, linestyle=DASHES, zorder=5))
    axes.set_xlim(view.box[0], view.box[1])
    axes.set_ylim(view.box[3], view.box[2])
    is_band = len(view.plane) == 1
    axes.set_aspect("auto" if is_band else "equal")
    for ruler in (axes.xaxis, axes.yaxis):
        ruler.set_major_locator(MaxNLocator(nbins=7, integer=True))
    words = axis_words(report)
    axes.set_xlabel(f"{words[view.plane[-1]]} of the input{'' if is_band else ' (positions)'}")
    if is_band:
        axes.set_yticks([])
    else:
        axes.set_ylabel(f"{words[view.plane[0]]} of the input (positions)")
    for spine in axes.spines.values():
        spine.set_visible(False)
    if view.is_close and not is_band:
        _draw_inset(axes, view)
    return image


def axis_words(report: FieldReport) -> tuple[str, ...]:
    """What one place along each axis of the input is called: row and column of two."""
    return tuple([word.removesuffix("s") for word in UNIT_NAMES[len(report.spans)]])


def _draw_holes(axes: Axes, report: FieldReport, view: View) -> None:
    """Grey where a position lies in the field and is not read."""
    read, (left, right, top, bottom) = read_grid(report, view.plane)
    if read.all():
        return
    axes.imshow(
        np.ma.masked_where(read, np.ones_like(read, dtype=float)),
        extent=(left, right, bottom, top),
        cmap=ListedColormap([HOLES]),
        interpolation="nearest",
        zorder=2,
    )


def _draw_inset(axes: Axes, view: View) -> None:
    """The whole input, and where in it the picture lies."""
    inset = axes.inset_axes((0.8, 0.8, 0.19, 0.19), zorder=6)
    inset.set_facecolor("white")
    inset.add_patch(_rectangle(view.input, facecolor="white", edgecolor=INPUT, linewidth=1.2))
    inset.add_patch(_rectangle(view.field, facecolor=THEORY, edgecolor=THEORY, linewidth=1))
    inset.set_xlim(view.input[0] - 1, view.input[1] + 1)
    inset.set_ylim(view.input[3] + 1, view.input[2] - 1)
    inset.set_aspect("equal")
    inset.set_axis_off()


def _rectangle(box: Box, *, facecolor: str = "none", **options: object) -> Rectangle:
    corner = (box[0], box[2])
    return Rectangle(corner, box[1] - box[0], box[3] - box[2], facecolor=facecolor, **options)  # type: ignore[arg-type]


def legend_handles(report: FieldReport, view: View, held: EffectiveField) -> list[Patch]:
    """What the map's lines mean."""
    size = size_text(*(last - first + 1 for first, last in report.spans))
    grid = " (regular grid; offsets move it)" if report.field.adaptive else ""
    beyond = ", beyond the picture" if view.cuts_field else ""
    inner = size_text(*[axis.size for axis in held.axes])
    along = " along each axis" if len(held.axes) > 1 else ""
    layer = report.layer_sizes_text
    others = f"\n({layer})" if layer else ""
    label = f"theoretical field: {size}{others}{grid}{beyond}"
    handles = [
        Patch(facecolor="none", edgecolor=THEORY, linewidth=1.8, label=label),
        Patch(
            facecolor="none",
            edgecolor=EFFECTIVE,
            linewidth=1.4,
            linestyle=DASHES,
            label=f"95 % of the weight{along}: {inner}",
        ),
    ]
    extents = size_text(*report.analysis.graph.input_shape[1:])
    corner = " (in the corner: the whole of it)" if len(view.plane) > 1 else " (it goes on beyond the picture)"
    where = corner if view.is_close else ""
    handles.append(Patch(facecolor="white", edgecolor=INPUT, linewidth=1.4, label=f"input: {extents}{where}"))
    if not all(read_flags(report, axis).all() for axis in range(len(report.spans))):
        handles.append(Patch(facecolor=HOLES, edgecolor=FAINT, linewidth=0.4, label="holes: in the field, never read"))
    return handles
