"""How the field grows along the network."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from archlab.analysis.receptive_field.fields import ReceptiveField
from archlab.analysis.receptive_field.growth import effective_growth
from archlab.diagnostics.words import all_of
from archlab.layers.shape import AXIS_NAMES, main_axis, map_size
from archlab.report.field import FieldReport
from archlab.report.plot.labels import legend_below
from archlab.report.plot.style import CRITICAL, EFFECTIVE, INK, INPUT, LINES, THEORY, UNPRODUCTIVE, size_text

MOST_NAMES = 28
"""Layers that fit below the axis by name."""
LONGEST_NAME = 26
LOG_FROM = 40
"""Ratio of the largest field to the input from which on the axis is logarithmic."""
LOG_FROM_OF_ONE_AXIS = 10
"""The same where there is one axis: sequences are long."""

Points = list[tuple[int, float]]


def draw_growth(axes: Axes, report: FieldReport, *, below: bool = False) -> None:
    """Sizes against the layer's number, with the input's size and what Richter et al. 2021 say of each layer.

    Args:
        axes: to draw on.
        report: of the network.
        below: whether the legend stands below instead of beside.
    """
    extents = report.analysis.graph.input_shape[1:]
    curves = _sizes(report)
    axes.set_title("Growth along the network")
    main = main_axis(len(extents))
    if not curves[main]:
        axes.set_axis_off()
        axes.text(0, 0.9, "every layer sees the whole input", transform=axes.transAxes, va="top")
        return
    alike = _named([(*curve, extent) for curve, extent in zip(curves, extents, strict=True)])
    largest = ", largest" if _smallest(report) else ""
    for axis, word in alike:
        x, y = zip(*curves[axis], strict=True)
        axes.plot(x, y, color=THEORY, linewidth=2.6, linestyle=LINES[axis], label=f"theoretical field{largest}{word}",
                  zorder=3)  # fmt: skip
    _draw_smallest(axes, report)
    _draw_effective(axes, report, alike)
    for axis, word in _named(extents):
        extent = extents[axis]
        axes.axhline(extent, color=INPUT, linewidth=1.1, linestyle=LINES[axis], zorder=1)
        axes.annotate(
            f"input{word.replace(',', '')}: {extent}",
            (0.004, extent),
            xycoords=("axes fraction", "data"),
            xytext=(0, 2),
            textcoords="offset points",
            fontsize="small",
            va="bottom",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            zorder=2,
        )
    _draw_words(axes, report, dict(curves[main]))
    _draw_unit(axes, report, [axis for axis, _ in alike])
    _scale(axes, report, curves)
    axes.set_ylabel("size (positions of the input)")
    if below:
        legend_below(axes, from_edge=True)
    else:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _named(found: Sequence[object]) -> list[tuple[int, str]]:
    """The first axis of those with equal values, and `, height and width`; no names where all are alike."""
    names = AXIS_NAMES[len(found)]
    firsts = [axis for axis, one in enumerate(found) if one not in found[:axis]]
    if len(firsts) == 1:
        return [(0, "")]
    pairs = list(zip(names, found, strict=True))
    return [(axis, f", {all_of([name for name, other in pairs if other == found[axis]])}") for axis in firsts]


def _sizes(report: FieldReport) -> list[Points]:
    """Number of the layer and largest size, along each axis, where the field is spatial."""
    extents = report.analysis.graph.input_shape[1:]
    curves: list[Points] = [[] for _ in extents]
    for layer in report.analysis.layers:
        field = layer.receptive_field
        if not _is_spatial(field, layer.node.shape):
            continue
        for axis, extent in enumerate(extents):
            known = field.axes[axis]
            curves[axis].append((layer.node.index, extent if known is None else known.sizes[-1]))
    return curves


def _is_spatial(field: ReceptiveField, shape: tuple[int, ...]) -> bool:
    return map_size(shape) is not None and not field.is_global and not field.is_nothing


def _draw_unit(axes: Axes, report: FieldReport, shown_axes: list[int]) -> None:
    """A circle at the size of the unit that the map shows, and a line over the sizes of its layer."""
    if map_size(report.node.shape) is None:
        return
    x = report.node.index
    sizes = [last - first + 1 for first, last in report.spans]
    for field in [report.field.axes[axis] for axis in shown_axes]:
        if field is not None and len(field.sizes) > 1:
            axes.vlines(x, field.sizes[0], field.sizes[-1], color=INK, linewidth=1.2, zorder=6)
    shown = sorted({sizes[axis] for axis in shown_axes})
    own = "the whole input" if report.field.is_global else size_text(*sizes)
    layer = report.layer_sizes_text
    axes.plot(
        [x] * len(shown),
        shown,
        "o",
        markersize=9,
        markerfacecolor="none",
        markeredgecolor=INK,
        markeredgewidth=1.4,
        label=f"the unit above: {own}" + (f"\n({layer})" if layer else ""),
        linestyle="none",
        zorder=6,
        clip_on=False,
    )


def _smallest(report: FieldReport) -> tuple[list[int], list[int], list[int]] | None:
    """Numbers of the layers, smallest and largest size along the main axis; None where no units differ."""
    x: list[int] = []
    low: list[int] = []
    high: list[int] = []
    for layer in report.analysis.layers:
        known = layer.receptive_field.axes[main_axis(len(report.spans))]
        if _is_spatial(layer.receptive_field, layer.node.shape) and known is not None:
            x.append(layer.node.index)
            low.append(known.sizes[0])
            high.append(known.sizes[-1])
    return None if low == high else (x, low, high)


def _draw_smallest(axes: Axes, report: FieldReport) -> None:
    """A band down to the smallest size where the units of a layer differ."""
    found = _smallest(report)
    if found is not None:
        axes.fill_between(*found, color=THEORY, alpha=0.2, linewidth=0, label="sizes of its units", zorder=2)


def _draw_effective(axes: Axes, report: FieldReport, alike: list[tuple[int, str]]) -> None:
    layers = report.analysis.layers
    spatial = [layer.node for layer in layers if _is_spatial(layer.receptive_field, layer.node.shape)]
    found = list(effective_growth(spatial, report.analysis.estimator))
    if not found:
        return
    x = [index for index, _ in found]
    for axis, word in alike:
        y = [field.axes[axis].size for _, field in found]
        label = f"95 % of the estimate{word}"
        axes.plot(x, y, color=EFFECTIVE, linewidth=1.4, linestyle=LINES[axis], label=label, zorder=3)


def _draw_words(axes: Axes, report: FieldReport, sizes: dict[int, float]) -> None:
    """Marks for the layers that see the whole input before they begin."""
    marks = (("critical", "^", CRITICAL), ("unproductive", "X", UNPRODUCTIVE), ("border", "D", UNPRODUCTIVE))
    for word, marker, colour in marks:
        chosen = [index for index, found in report.words.items() if found == word and index in sizes]
        if not chosen:
            continue
        label = f"{word} layer"
        if word == "border":
            label += f":\n{_short(report.analysis.graph.nodes[chosen[0]].path)}"
        axes.plot(
            chosen,
            [sizes[i] for i in chosen],
            marker,
            color=colour,
            markersize=6,
            markeredgecolor=INK,
            markeredgewidth=0.6,
            linestyle="none",
            label=label,
            zorder=5,
        )
        if word == "border":
            axes.axvline(chosen[0], color=UNPRODUCTIVE, linewidth=1, linestyle=":", zorder=1)


def _scale(axes: Axes, report: FieldReport, curves: list[Points]) -> None:
    extents = report.analysis.graph.input_shape[1:]
    grown = max(size for curve in curves for _, size in curve)
    largest = max(grown, *extents)
    ratio = LOG_FROM if len(extents) > 1 else LOG_FROM_OF_ONE_AXIS
    if largest > ratio * max(extents) or min(extents) > ratio * grown:
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")  # its own is a formula, and none are parsed
    else:
        axes.set_ylim(0, largest * 1.12)
    indices = [index for index, _ in curves[0]]
    if map_size(report.node.shape) is not None:
        indices = sorted({*indices, report.node.index})
    axes.set_xlim(min(indices) - 0.5, max(indices) + 0.5)
    if len(indices) <= MOST_NAMES:
        paths = [report.analysis.graph.nodes[i].path for i in indices]
        axes.set_xticks(indices, [_short(path) for path in paths], rotation=40, ha="right", rotation_mode="anchor")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))
        axes.set_xlabel("number of the layer, in file order")


def _short(path: str) -> str:
    return path if len(path) <= LONGEST_NAME else "…" + path[-LONGEST_NAME + 1 :]
