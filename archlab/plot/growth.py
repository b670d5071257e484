"""How the field grows along the network."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from archlab.analysis.receptive_field import ReceptiveField
from archlab.layers.base import map_size
from archlab.plot.style import CRITICAL, DASHES, EFFECTIVE, INK, INPUT, THEORY, UNPRODUCTIVE
from archlab.receptive_field import effective_growth
from archlab.report.field import FieldReport

MOST_NAMES = 28
"""Layers that fit below the axis by name."""
LONGEST_NAME = 26
LOG_FROM = 40
"""Ratio of the largest field to the input from which on the axis is logarithmic."""

Points = list[tuple[int, float]]


def draw_growth(axes: Axes, report: FieldReport) -> None:
    """Sizes against the layer's number, with the input's size and what Richter et al. 2021 say of each layer."""
    extents = report.analysis.graph.input_shape[1:]
    curves = _sizes(report)
    axes.set_title("Growth along the network")
    if not curves[0]:
        axes.set_axis_off()
        axes.text(0, 0.9, "every layer sees the whole input", transform=axes.transAxes, va="top")
        return
    square = curves[0] == curves[1] and extents[0] == extents[1]
    for axis, word in enumerate(("height",) if square else ("height", "width")):
        x, y = zip(*curves[axis], strict=True)
        label = "theoretical field" if square else f"theoretical field, {word}"
        axes.plot(x, y, color=THEORY, linewidth=2.6, linestyle=DASHES if axis else "-", label=label, zorder=3)
    _draw_smallest(axes, report)
    _draw_effective(axes, report, square=square)
    for axis, extent in enumerate(extents[:1] if extents[0] == extents[1] else extents):
        word = "" if extents[0] == extents[1] else f" {('height', 'width')[axis]}"
        axes.axhline(extent, color=INPUT, linewidth=1.1, linestyle=DASHES if axis else "-", zorder=1)
        axes.annotate(
            f"input{word}: {extent}",
            (0.004, extent),
            xycoords=("axes fraction", "data"),
            xytext=(0, 2),
            textcoords="offset points",
            fontsize=8,
            va="bottom",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            zorder=2,
        )
    sizes = dict(curves[0])
    _draw_words(axes, report, sizes)
    if report.node.index in sizes:
        axes.plot(
            [report.node.index],
            [sizes[report.node.index]],
            "o",
            markersize=9,
            markerfacecolor="none",
            markeredgecolor=INK,
            markeredgewidth=1.4,
            label="the layer above",
            linestyle="none",
            zorder=6,
            clip_on=False,
        )
    _scale(axes, report, sizes)
    axes.set_ylabel("size (positions of the input)")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _sizes(report: FieldReport) -> tuple[Points, Points]:
    """Number of the layer and largest size, along height and width, where the field is spatial."""
    extents = report.analysis.graph.input_shape[1:]
    curves: tuple[Points, Points] = ([], [])
    for layer in report.analysis.layers:
        field = layer.receptive_field
        if not _is_spatial(field, layer.node.shape):
            continue
        for axis, extent in enumerate(extents):
            known = field.axes[axis]
            curves[axis].append((layer.node.index, extent if known is None else known.sizes[-1]))
    return curves


def _is_spatial(field: ReceptiveField, shape: tuple[int, ...]) -> bool:
    return map_size(shape) is not None and not field.is_global


def _draw_smallest(axes: Axes, report: FieldReport) -> None:
    """A band down to the smallest size where the units of a layer differ."""
    x: list[int] = []
    low: list[int] = []
    high: list[int] = []
    for layer in report.analysis.layers:
        known = layer.receptive_field.height
        if _is_spatial(layer.receptive_field, layer.node.shape) and known is not None:
            x.append(layer.node.index)
            low.append(known.sizes[0])
            high.append(known.sizes[-1])
    if low != high:
        axes.fill_between(x, low, high, color=THEORY, alpha=0.2, linewidth=0, label="sizes of its units", zorder=2)


def _draw_effective(axes: Axes, report: FieldReport, *, square: bool) -> None:
    found = list(effective_growth(report.analysis))
    if not found:
        return
    x = [index for index, _ in found]
    for axis, word in enumerate(("height",) if square else ("height", "width")):
        label = "95 % of the estimate" if square else f"95 % of the estimate, {word}"
        y = [field[axis].size for _, field in found]
        axes.plot(x, y, color=EFFECTIVE, linewidth=1.4, linestyle=DASHES if axis else "-", label=label, zorder=3)


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


def _scale(axes: Axes, report: FieldReport, sizes: dict[int, float]) -> None:
    extents = report.analysis.graph.input_shape[1:]
    largest = max(*sizes.values(), *extents)
    if largest > LOG_FROM * max(extents) or min(extents) > LOG_FROM * max(sizes.values()):
        axes.set_yscale("log", base=2)
    else:
        axes.set_ylim(0, largest * 1.12)
    indices = list(sizes)
    axes.set_xlim(min(indices) - 0.5, max(indices) + 0.5)
    if len(indices) <= MOST_NAMES:
        paths = [report.analysis.graph.nodes[i].path for i in indices]
        axes.set_xticks(indices, [_short(path) for path in paths], rotation=40, ha="right", rotation_mode="anchor")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))
        axes.set_xlabel("number of the layer, in file order")


def _short(path: str) -> str:
    return path if len(path) <= LONGEST_NAME else "…" + path[-LONGEST_NAME + 1 :]
