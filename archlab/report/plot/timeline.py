"""The picture of `archlab memory`: bytes alive, moment by moment, stacked by what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from archlab.report.memory import MemoryView
from archlab.report.plot.labels import legend_below
from archlab.report.plot.look import PANELS, PanelLook
from archlab.report.plot.sheet import panels, write
from archlab.report.plot.style import (
    COPIES,
    CRITICAL,
    DASHES,
    EFFECTIVE,
    FAINT,
    INK,
    MEASURED,
    THEORY,
    UNPRODUCTIVE,
    style,
)
from archlab.report.units import binary

MOST_TICKS, NARROW_TICKS = 14, 6
"""Stages named along the axis."""
OPTIMIZER = "#5F6770"
HATCHES = ("", "////", "", "....", "", "\\\\\\\\", "", "xxxx", "")
"""Of bands on one another, so that they are told apart without colours, too."""
MOST_STEPS = 2_000
"""Moments drawn, about one for each pixel; of neighbours beyond that, the highest."""


def save_timeline(view: MemoryView, path: Path, look: PanelLook = PANELS) -> None:
    """Draw a run to a .png, .svg or .pdf file; equal runs give equal files.

    Args:
        view: of the run.
        path: its ending chooses the form.
        look: of the picture.

    Raises:
        ConfigError: if the file cannot be written.
    """
    with style(font_size=look.font_size):
        write(draw(view, look), path)


def draw(view: MemoryView, look: PanelLook = PANELS) -> Figure:
    """The picture, within `style`."""
    figure = panels(view.title(), (11, 5.6), look)
    axes = figure.add_subplot()
    _draw(axes, view, is_narrow=look.is_narrow)
    if look.is_narrow:
        legend_below(axes, axes.get_legend_handles_labels()[0][::-1], columns=2, from_edge=True)
    else:
        _legend(axes)
    return figure


def draw_on(axes: Axes, view: MemoryView) -> None:
    """The picture without its title, on axes of a caller's figure."""
    with style():
        _draw(axes, view)
        _legend(axes)


def _draw(axes: Axes, view: MemoryView, *, is_narrow: bool = False) -> None:
    _draw_levels(axes, view)
    _mark_peak(axes, view, "\n" if is_narrow else ": ")
    _mark_phases(axes, view, NARROW_TICKS if is_narrow else MOST_TICKS)
    if is_narrow:
        axes.set_ylim(0, 1.4 * view.timeline.peak / _unit(view.timeline.peak)[0])


def _legend(axes: Axes) -> None:
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.5, reverse=True)


def _unit(peak: int) -> tuple[int, str]:
    return (2**30, "GiB") if peak >= 2**30 else (2**20, "MiB") if peak >= 2**20 else (2**10, "KiB")


def _draw_levels(axes: Axes, view: MemoryView) -> None:
    """One band for each kind, of the height at each moment's peak."""
    timeline, memory = view.timeline, view.analysis.total.memory
    size, unit = _unit(timeline.peak)
    count = len(timeline.moments)
    starts = range(0, count, -(-count // MOST_STEPS))
    highest = [
        max(range(start, min(start + starts.step, count)), key=lambda at: timeline.moments[at].peak) for start in starts
    ]
    levels = {kind: [values[at] for at in highest] for kind, values in timeline.levels().items()}
    fixed = memory.params + memory.buffers
    bands = [
        ("params and buffers", [fixed] * len(highest), FAINT),
        ("optimizer state", [timeline.base - fixed] * len(highest), OPTIMIZER),
        ("input", levels["input"], INK),
        ("outputs of layers", levels["output"], EFFECTIVE),
        ("copies", levels["copy"], COPIES),
        ("kept for backward", levels["kept"], MEASURED),
        ("gradients of values", levels["gradient"], THEORY),
        ("gradients of params", levels["parameter gradient"], CRITICAL),
        ("while a layer runs", levels["scratch"], UNPRODUCTIVE),
    ]
    shown = [band for band in bands if any(band[1])]
    edges = np.array([*starts, count])
    bottom = np.zeros(len(highest))
    for number, (label, values, colour) in enumerate(shown):
        top = bottom + np.asarray(values) / size
        axes.stairs(
            top,
            edges,
            baseline=bottom,
            fill=True,
            facecolor=colour,
            edgecolor="white",
            label=label,
            linewidth=0.3,
            hatch=HATCHES[number % len(HATCHES)],
        )
        bottom = top
    axes.set_xlim(0, count)
    axes.set_ylim(0, 1.12 * timeline.peak / size)
    axes.set_ylabel(f"memory alive ({unit})")


def _mark_peak(axes: Axes, view: MemoryView, between: str) -> None:
    timeline = view.timeline
    size, _ = _unit(timeline.peak)
    at = timeline.moments.index(timeline.peak_moment) + 0.5
    height = timeline.peak / size
    axes.axhline(height, color=FAINT, linewidth=0.8, linestyle=DASHES)
    side = "right" if at > len(timeline.moments) / 2 else "left"
    text = f"{binary(timeline.peak)}{between}{view.moment_text(timeline.peak_moment)}"
    axes.annotate(text, (at, height), (0, 5), textcoords="offset points", ha=side, color=INK, zorder=6,
                  bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1})  # fmt: skip
    axes.plot([at], [height], marker="v", color=INK, markersize=5, clip_on=False)


def _mark_phases(axes: Axes, view: MemoryView, names: int) -> None:
    """Lines between the phases with their names on top, and the names of the longest stages along the axis."""
    rows = view.moments()
    phases = [str(_PHASES.get(row["phase"], row["phase"])) for row in rows]
    for phase, first, end in _runs(phases):
        if first:
            axes.axvline(first, color=FAINT, linewidth=1.0)
        if end - first > 1:
            axes.text((first + end) / 2, 0.985, phase, transform=axes.get_xaxis_transform(), ha="center", va="top")
    stages = _runs([f"{phase} {row['layer'].partition('.')[0]}" for phase, row in zip(phases, rows, strict=True)])
    nearest = len(rows) / names
    ticks: dict[float, str] = {}
    for name, first, end in sorted(stages, key=lambda stage: stage[1] - stage[2]):
        middle = (first + end) / 2
        if all(abs(middle - other) >= nearest for other in ticks):
            ticks[middle] = name.partition(" ")[2] or "optimizer"
    axes.set_xticks(list(ticks), list(ticks.values()), rotation=35, ha="right")
    axes.set_xlabel("layers in the order in which they run")


_PHASES = {"recompute": "backward"}
"""What runs again does so within the backward pass."""


def _runs(words: list[str]) -> list[tuple[str, int, int]]:
    """Equal words behind one another: the word, the first position, and the one behind the last."""
    starts = [at for at, word in enumerate(words) if at == 0 or word != words[at - 1]]
    return [(words[first], first, end) for first, end in zip(starts, [*starts[1:], len(words)], strict=True)]
