"""The terminal form of `archlab time` and `archlab measure`."""

from __future__ import annotations

from archlab.diagnostics.words import counted
from archlab.report.deployment import int8_notes
from archlab.report.grid import Grid, grid
from archlab.report.opaque import opaque_notes
from archlab.report.terminal import render
from archlab.report.time import NOTES, TimeView
from archlab.report.units import binary, duration, si

LEFT = ("layer", "type", "bound by", "")
"""Columns of texts."""
BAR = 24
"""Characters of a bar that stands for the whole."""


def time_table(view: TimeView, depth: int | None, further: list[tuple[str, str]], *, colour: bool = False) -> str:
    """Layers or folded scopes with their bounds, then the sums.

    Args:
        view: what to show.
        depth: of blocks to fold to; None folds nothing.
        further: labels and texts of further lines.
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
    parts: list[str | Grid] = [
        view.title(),
        _rows(view, depth),
        sums,
        "\n".join([*NOTES, *int8_notes([view.analysis]), *opaque_notes([view.analysis])]),
    ]
    return render(parts, colour=colour)


def _rows(view: TimeView, depth: int | None) -> Grid:
    measured = view.measured is not None
    names = [
        "layer",
        "type",
        "FLOPs",
        "bytes",
        "FLOPs/byte",
        "bound",
        "bound by",
        *(["measured"] if measured else []),
    ]
    table = grid(*[(name, "left" if name in LEFT else "right") for name in [*names, ""]])
    key = "measured" if measured else "seconds"
    rows = view.folded(depth)
    total = sum([row[key] for row in rows]) or 1
    for row in rows:
        cells = [row["layer"], row["type"], si(row["flops"]) if row["flops"] else "-"]
        cells += [binary(row["bytes"]) if row["bytes"] else "-"]
        cells += ["-" if row["intensity"] is None else f"{row['intensity']:.1f}"]
        cells += [duration(row["seconds"]) if row["seconds"] else "-", row["bound"] or ""]
        if measured:
            cells.append(duration(row["measured"]))
        table.rows.append((*cells, "█" * round(BAR * row[key] / total)))
    return table
