"""The terminal form of `archlab memory`."""

from __future__ import annotations

from archlab.report.deployment import arena_rows
from archlab.report.grid import Grid, grid
from archlab.report.memory import MemoryView
from archlab.report.terminal import render
from archlab.report.units import binary

MOST_HOLDERS = 10
BAR = 30
"""Characters of the longest bar."""


def memory_table(view: MemoryView, depth: int | None, *, colour: bool = False) -> str:
    """The run by scopes, then the peak, what it is made of, and who holds it."""
    parts: list[str | Grid] = [
        view.title(),
        _moments(view, depth),
        _parts(view),
        _holders(view),
        "\n".join(view.notes),
    ]
    return render(parts, colour=colour)


def _moments(view: MemoryView, depth: int | None) -> Grid:
    table = grid(("phase", "left"), ("layers", "left"), ("peak", "right"), ("after", "right"), ("", "left"))
    peak = max(view.timeline.peak, 1)
    for row in view.folded(depth):
        bar = "█" * round(BAR * row["peak"] / peak)
        table.rows.append((row["phase"], row["layer"], binary(row["peak"]), binary(row["after"]), bar))
    return table


def _parts(view: MemoryView) -> str:
    lines = [("peak", view.peak_text())]
    lines += [(f"  {label}", binary(size)) for label, size in view.parts()]
    lines += [*arena_rows(view.analysis), *view.checkpoint_lines(), *view.fit_lines()]
    width = max(len(label) for label, _ in lines) + 2
    return "\n".join(f"{label:<{width}}{text}" for label, text in lines)


def _holders(view: MemoryView) -> Grid:
    table = grid(("at the peak", "right"), ("layer", "left"), ("what", "left"), ("held for", "left"))
    for row in view.holders(MOST_HOLDERS):
        table.rows.append((binary(row["bytes"]), row["layer"], row["what"], row["held for"]))
    return table
