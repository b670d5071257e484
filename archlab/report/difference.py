"""The terminal form of `archlab diff`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archlab.analysis.difference import Change, Difference
from archlab.analysis.result import Analysis
from archlab.report.folded_changes import Fold, folded, value_text
from archlab.report.grid import grid
from archlab.report.terminal import Part, render
from archlab.report.units import binary, count, si

MOST_NAMES = 12
"""So many renamed layers are listed."""
MOST_SHORT = 12
"""So many changes are listed in the short form."""

BYTES = ("memory", "training")
"""Figures in bytes; the others are counts."""

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def difference_text(
    difference: Difference,
    *,
    names: tuple[str, str] | None = None,
    short: bool = False,
    each: bool = False,
    colour: bool = False,
) -> str:
    """The totals that changed, then the layers.

    Args:
        difference: of two networks.
        names: what they are called; by default as they are.
        short: whether layers that are as they are written, and follow others that changed, are counted only.
        each: whether every layer has lines of its own; those that changed alike are one otherwise.
        colour: whether it goes to a person's terminal.
    """
    old, new = names or (difference.before.graph.name, difference.after.graph.name)
    table = grid(("figure", "left"), (old, "right"), (new, "right"), ("change", "right"))
    for row in difference.totals():
        if row["before"] != row["after"]:
            change = "" if row["change"] is None else f"{row['change']:+.1%}"
            nones = [_none(row["figure"], side) for side in (difference.before, difference.after)]
            bounds = row.get("lower_bound", {})
            sides = zip(("before", "after"), nones, strict=True)
            text = binary if row["figure"] in BYTES else count
            cells = [_number(row[side], none, text, is_bound=side in bounds) for side, none in sides]
            table.rows.append((row["figure"], *cells, change))
    changes = difference.changes()
    renamed = [change.details["name"] for change in changes if list(change.details) == ["name"]]
    parts: list[Part] = [table] if table.rows else []
    if len(renamed) == len(changes):
        equal = "no layer differs" if table.rows else f"{old} and {new} are equal"
        parts.append(f"{equal} but for names" if renamed else equal)
    listed = [change for change in changes if list(change.details) != ["name"]]
    following = [change for change in listed if short and change.follows]
    listed = [change for change in listed if not (short and change.follows)]
    entries: Sequence[Change | Fold] = listed if each else folded(listed)
    shown = entries[:MOST_SHORT] if short else entries
    parts += ["\n".join(_lines(entry)) for entry in shown]
    if len(shown) < len(entries):
        parts.append(f"  ... and {len(entries) - len(shown):,} more")
    if following:
        parts.append(_followed(following))
    if renamed:
        parts.append("\n".join(_renamed(renamed)))
    return render(parts, colour=colour)


def _followed(changes: list[Change]) -> str:
    """How many layers do, and what that costs."""
    macs = sum([change.macs for change in changes])
    tail = f"  ({'+' if macs > 0 else '-'}{si(abs(macs))} MACs)" if macs else ""
    what = "layer follows" if len(changes) == 1 else "layers follow"
    return f"~ {len(changes):,} {what}: written as before, with another input or output{tail}"


def _renamed(names: list[tuple[str, str]]) -> list[str]:
    """Layers that have another name and are otherwise equal."""
    verb = "layer has another name and is" if len(names) == 1 else "layers have other names and are"
    lines = [f"    {old} -> {new}" for old, new in names[:MOST_NAMES]]
    more = [f"    ... and {len(names) - MOST_NAMES:,} more, all of them in JSON"] if len(names) > MOST_NAMES else []
    return [f"~ {len(names):,} {verb} otherwise equal", *lines, *more]


def _none(figure: str, side: Analysis) -> str:
    """What stands for a figure that has no value."""
    if figure != "receptive field":
        return "-"
    return "unknown" if side.total.receptive_field.unknown else "global"


def _number(value: int | None, none: str, text: Callable[[int], str], *, is_bound: bool = False) -> str:
    return none if value is None else f">= {text(value)}" if is_bound else text(value)


def _lines(change: Change | Fold) -> list[str]:
    costs = [f"{value:+,} {word}" for value, word in ((change.params, "params"),) if value]
    if change.macs:
        costs.append(f"{'+' if change.macs > 0 else '-'}{si(abs(change.macs))} MACs")
    tail = f"  ({', '.join(costs)})" if costs else ""
    if isinstance(change, Fold):
        return [f"~ {len(change.changes):,} layers: {change.what}{tail}", f"    {change.names}"]
    what = "" if change.kind == "changed" else f"  {change.what}"
    details = [f"    {name}: {value_text(a)} -> {value_text(b)}" for name, (a, b) in change.details.items()]
    return [f"{_SIGNS[change.kind]} {change.path}{what}{tail}", *details]
