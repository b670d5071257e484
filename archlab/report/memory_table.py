"""The terminal form of `archlab memory`."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table

from archlab.report.memory import MemoryView
from archlab.report.terminal import plain_table, render
from archlab.report.units import binary

MOST_HOLDERS = 10
BAR = 30
"""Characters of the longest bar."""


def memory_table(view: MemoryView, depth: int | None, *, colour: bool = False) -> str:
    """The run by scopes, then the peak, what it is made of, and who holds it."""
    parts: list[RenderableType] = [
        view.title(),
        _moments(view, depth),
        _parts(view),
        _holders(view),
        "\n".join(view.notes),
    ]
    return render(parts, colour=colour)


def _moments(view: MemoryView, depth: int | None) -> Table:
    table = plain_table()
    for name, justify in (("phase", "left"), ("layers", "left"), ("peak", "right"), ("after", "right"), ("", "left")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    peak = max(view.timeline.peak, 1)
    for row in view.folded(depth):
        bar = "█" * round(BAR * row["peak"] / peak)
        table.add_row(row["phase"], row["layer"], binary(row["peak"]), binary(row["after"]), bar)
    return table


def _parts(view: MemoryView) -> str:
    lines = [("peak", view.peak_text())]
    lines += [(f"  {label}", binary(size)) for label, size in view.parts()]
    lines += [*view.checkpoint_lines(), *view.fit_lines()]
    width = max(len(label) for label, _ in lines) + 2
    return "\n".join(f"{label:<{width}}{text}" for label, text in lines)


def _holders(view: MemoryView) -> Table:
    table = plain_table()
    table.add_column("at the peak", justify="right")
    for name in ("layer", "what", "held for"):
        table.add_column(name, overflow="fold")
    for row in view.holders(MOST_HOLDERS):
        table.add_row(binary(row["bytes"]), row["layer"], row["what"], row["held for"])
    return table
