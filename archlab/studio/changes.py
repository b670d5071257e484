"""What changed from a text that was kept to the one that is written, as `archlab diff` says it."""

from __future__ import annotations

from typing import Any

from archlab.analysis.difference import Change, Difference
from archlab.api.analysis import Analysis
from archlab.report.difference import BYTES
from archlab.report.folded_changes import Fold, folded, value_text
from archlab.report.units import binary, count, si
from archlab.studio.positions import Row

MOST_CHANGES = 200
_LESS = frozenset(("params", "MACs", "FLOPs", "activations", "memory", "training"))
"""Figures of which less is better; of the others neither is."""
LONGEST = 600


def difference(kept: Analysis, now: Analysis) -> Row:
    """The totals with their change, and the layers that came, went or changed, alike ones folded."""
    found = Difference(kept, now)
    entries = folded(found.changes())
    return {
        "totals": [_total(row) for row in found.totals()],
        "layers": [_entry(entry) for entry in entries[:MOST_CHANGES]],
        "more": max(len(entries) - MOST_CHANGES, 0),
        "problems": [],
    }


def _total(row: Row) -> Row:
    figure, before, after = row["figure"], row["before"], row["after"]
    text = binary if figure in BYTES else count
    change = None if before is None or after is None else after - before
    share = "" if row["change"] is None else f" ({row['change']:+.1%})"
    return {
        "key": figure,
        "label": figure,
        "before": _text(before, text),
        "after": _text(after, text),
        "change": "" if not change else f"{'+' if change > 0 else '-'}{text(abs(change))}{share}",
        "better": change < 0 if change and figure in _LESS else None,
        "values": {"before": before, "after": after},
    }


def _text(value: int | None, text: Any) -> str:
    return "-" if value is None else text(value)


def _entry(entry: Change | Fold) -> Row:
    costs = [f"{entry.params:+,} params"] if entry.params else []
    costs += [f"{'+' if entry.macs > 0 else '-'}{si(abs(entry.macs))} MACs"] if entry.macs else []
    tail = f" ({', '.join(costs)})" if costs else ""
    if isinstance(entry, Fold):
        name, text = f"{len(entry.changes):,} layers", f"{entry.what}: {entry.names}"
        return {"kind": "changed", "name": name, "text": f"{text}{tail}"[:LONGEST]}
    details = [f"{name} {value_text(a)} -> {value_text(b)}" for name, (a, b) in entry.details.items()]
    text = ", ".join(details) if entry.kind == "changed" else entry.what
    return {"kind": entry.kind, "name": entry.path, "text": f"{text[:LONGEST]}{tail}"}
