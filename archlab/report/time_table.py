"""The terminal form of `archlab time` and `archlab measure`."""

from __future__ import annotations

from archlab.analysis.row import Row
from archlab.diagnostics.words import counted
from archlab.report.columns import USUAL, Column, View, tabulate
from archlab.report.deployment import int8_notes
from archlab.report.grid import Grid, Prose
from archlab.report.opaque import opaque_notes
from archlab.report.terminal import Part, render
from archlab.report.time import NOTES, TimeView
from archlab.report.units import binary, duration, si

BAR = 24
"""Characters of a bar that stands for the whole."""


def time_table(
    view: TimeView, depth: int | None, further: list[tuple[str, str]], asked: View = USUAL, *, colour: bool = False
) -> str:
    """Layers or folded scopes with their bounds, then the sums.

    Args:
        view: what to show.
        depth: of blocks to fold to; None folds nothing.
        further: labels and texts of further lines.
        asked: which columns, and in which order.
        colour: whether it goes to a terminal.
    """
    lines = [("sum of bounds", duration(view.seconds))]
    lines += [
        (f"  by {word}", f"{duration(seconds)} in {counted(layers, 'layer')}")
        for word, seconds, layers in view.bounds()
    ]
    lines += view.memory_lines()
    lines += further
    width = max(len(label) for label, _ in lines) + 2
    sums = "\n".join(f"{label:<{width}}{text}" for label, text in lines)
    parts: list[Part] = [
        view.title(),
        _table(view, depth, asked),
        sums,
        Prose(NOTES),
        *int8_notes([view.analysis]),
        *opaque_notes([view.analysis]),
    ]
    return render(parts, colour=colour)


def _table(view: TimeView, depth: int | None, asked: View) -> Grid:
    rows = view.folded(depth)
    is_measured = view.measured is not None
    key = "measured" if is_measured else "seconds"
    total = sum([row[key] for row in rows]) or 1

    def bar(row: Row) -> str:
        share: float = row[key] / total
        return "█" * round(BAR * share)

    columns: list[Column[Row]] = [
        Column("layer", lambda row: row["layer"], justify="left"),
        Column("type", lambda row: row["type"], justify="left", rank=5),
        Column("FLOPs", lambda row: si(row["flops"]) if row["flops"] else "-", lambda row: row["flops"], rank=1),
        Column("bytes", lambda row: binary(row["bytes"]) if row["bytes"] else "-", lambda row: row["bytes"], rank=3),
        Column("FLOPs/byte", _intensity, lambda row: row["intensity"], rank=4),
        Column("bound", _seconds, lambda row: row["seconds"]),
        Column("bound by", lambda row: row["bound"] or "", justify="left", rank=2),
    ]
    if is_measured:
        columns.append(Column("measured", lambda row: duration(row["measured"]), lambda row: row["measured"]))
    columns.append(Column("", bar, justify="left", rank=6))
    return tabulate(columns, rows, asked)


def _intensity(row: Row) -> str:
    return "-" if row["intensity"] is None else f"{row['intensity']:.1f}"


def _seconds(row: Row) -> str:
    return duration(row["seconds"]) if row["seconds"] else "-"
