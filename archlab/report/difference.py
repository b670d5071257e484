"""The terminal form of `archlab diff`."""

from __future__ import annotations

from rich.console import RenderableType

from archlab.analysis.difference import Change, Difference
from archlab.report.terminal import plain_table, render
from archlab.report.units import si

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def difference_text(difference: Difference, *, colour: bool = False) -> str:
    """The totals that changed, then the layers."""
    before, after = difference.before.graph, difference.after.graph
    table = plain_table()
    for name in ("figure", before.name, after.name, "change"):
        table.add_column(name, justify="left" if name == "figure" else "right")
    for row in difference.totals():
        if row["before"] != row["after"]:
            change = "" if row["change"] is None else f"{row['change']:+.1%}"
            none = "global" if row["figure"] == "receptive field" else "-"
            table.add_row(row["figure"], _number(row["before"], none), _number(row["after"], none), change)
    changes = difference.changes()
    parts: list[RenderableType] = [table] if table.row_count else []
    if not changes:
        parts.append("no layer differs" if table.row_count else f"{before.name} and {after.name} are equal")
    parts += ["\n".join(_lines(change)) for change in changes]
    return render(parts, colour=colour)


def _number(value: int | None, none: str) -> str:
    return none if value is None else f"{value:,}"


def _lines(change: Change) -> list[str]:
    costs = [f"{value:+,} {word}" for value, word in ((change.params, "params"),) if value]
    if change.macs:
        costs.append(f"{'+' if change.macs > 0 else '-'}{si(abs(change.macs))} MACs")
    tail = f"  ({', '.join(costs)})" if costs else ""
    what = "" if change.kind == "changed" else f"  {change.what}"
    details = [f"    {name}: {_value(a)} -> {_value(b)}" for name, (a, b) in change.details.items()]
    return [f"{_SIGNS[change.kind]} {change.path}{what}{tail}", *details]


def _value(value: object) -> str:
    if isinstance(value, list):
        return "x".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
