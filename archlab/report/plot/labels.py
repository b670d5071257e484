"""Names beside what they name, apart from one another."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox, ScaledTranslation, blended_transform_factory

_SIDES = ((1, 1, "left", "bottom"), (1, -1, "left", "top"), (-1, 1, "right", "bottom"), (-1, -1, "right", "top"))
PLACES = (
    *[(5 * right, 4 * up, ha, va) for right, up, ha, va in _SIDES],
    *((0, 7, "center", "bottom"), (0, -7, "center", "top")),
    *[(far * right, far * up, ha, va) for far in (13, 22) for right, up, ha, va in _SIDES],
)
"""In points from the point, the nearest first; the far ones get a line."""


def name_points(
    axes: Axes, named: list[tuple[str, float, float]], points: list[tuple[float, float]], *, all_of_them: bool = True
) -> None:
    """Write each name where it meets no other name and no point, as far as there is room.

    Args:
        axes: with their final limits.
        named: names with their points, in data.
        points: all of them.
        all_of_them: whether a name that has no such place is written nevertheless.
    """
    _settle(axes)
    renderer = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    dots = [Bbox.from_extents(x - 4, y - 4, x + 4, y + 4) for x, y in [axes.transData.transform(one) for one in points]]
    taken: list[Bbox] = []
    frame = axes.get_window_extent(renderer)
    for name, x, y in sorted(named, key=lambda one: one[1]):
        best = None
        for right, up, ha, va in PLACES:
            line = {"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3} if abs(right) > 10 else None
            text = axes.annotate(name, (x, y), (right, up), textcoords="offset points", ha=ha, va=va, fontsize="small",
                                 arrowprops=line, annotation_clip=False, zorder=4)  # fmt: skip
            box = text.get_window_extent(renderer)
            meets = sum([box.overlaps(other) for other in taken]) * 10 + sum([box.overlaps(dot) for dot in dots])
            outside = box.x0 < frame.x0 or box.y0 < frame.y0 or box.x1 > frame.x1 or box.y1 > frame.y1
            cost = meets + 3 * outside
            if best is None or cost < best[0]:
                if best is not None:
                    best[1].remove()
                best = (cost, text, box)
            else:
                text.remove()
            if not best[0]:
                break
        assert best is not None
        if best[0] and not all_of_them:
            best[1].remove()
            continue
        taken.append(best[2])


def _settle(axes: Axes) -> None:
    """Put everything into its place, as the layout of `sheet` does without drawing; other figures are drawn."""
    figure = axes.figure.canvas.figure
    layout = figure.get_layout_engine()
    if isinstance(layout, ConstrainedLayoutEngine):
        layout.execute(figure)
    else:
        figure.draw_without_rendering()


def spread(axes: Axes, ends: list[tuple[str, float, float, str]]) -> None:
    """Names to the right of the ends of lines, moved apart where ends are close.

    Args:
        axes: with their final limits.
        ends: name, place in data, colour.
    """
    _settle(axes)
    scale = axes.figure.dpi / 72
    frame = axes.get_window_extent()
    size = 0.9 * float(axes.xaxis.label.get_fontsize())
    ordered = sorted(ends, key=lambda end: end[2])
    wanted = [axes.transData.transform((0, y))[1] for _, _, y, _ in ordered]
    least = size * 1.2 * scale
    placed: list[float] = []
    for at in wanted:
        placed.append(max(at, placed[-1] + least) if placed else at)
    for index in range(len(placed) - 1, -1, -1):
        most = frame.y1 + least if index == len(placed) - 1 else placed[index + 1] - least
        placed[index] = min(placed[index], most)
    for (name, x, y, colour), at in zip(ordered, placed, strict=True):
        height = (at - frame.y0) / frame.height
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0}
        axes.annotate(
            name,
            (x, y),
            (1.03, height),
            xycoords="data",
            textcoords="axes fraction",
            va="center",
            fontsize=size,
            color=colour,
            arrowprops=line,
            annotation_clip=False,
        )


def legend_below(
    axes: Axes, handles: Sequence[Artist] | None = None, *, columns: int = 1, from_edge: bool = False
) -> None:
    """A legend right below the numbers and the label of the horizontal axis, however high these are.

    Args:
        axes: with all labels.
        handles: what is explained; None for what has a label.
        columns: of the legend.
        from_edge: whether it begins at the left edge of the figure, where the panel is too narrow for it.
    """
    figure = axes.figure.figure
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    taken = axes.xaxis.get_tightbbox(renderer)
    bottom = axes.get_window_extent(renderer).y0
    down = 0.0 if taken is None else max(0.0, bottom - taken.y0) / figure.dpi
    gap = 0.5 * float(axes.xaxis.label.get_fontsize()) / 72
    moved = ScaledTranslation(0, -down - gap, figure.dpi_scale_trans)
    found = axes.get_legend_handles_labels()[0] if handles is None else handles
    if found:
        below = axes.transAxes + moved
        place = blended_transform_factory(figure.transFigure, below) if from_edge else below
        axes.legend(handles=found, loc="upper left", bbox_to_anchor=(0.01 if from_edge else -0.02, 0),
                    bbox_transform=place, borderaxespad=0, handlelength=1.6, ncols=columns)  # fmt: skip
