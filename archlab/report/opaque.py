"""What opaque layers have of the totals, and which totals are lower bounds for that, in words."""

from __future__ import annotations

from collections.abc import Sequence

from archlab.analysis.result import Analysis, LayerReport, Totals
from archlab.diagnostics.words import counted
from archlab.report.units import si

LABELS = {"params": "params", "buffers": "buffers", "macs": "MACs", "flops": "FLOPs", "activations": "activations"}
"""What can be declared, as tables call it."""
MOST_NAMED = 6
"""Opaque layers that are named."""


def at_least(total: Totals, number: str, text: str) -> str:
    """A total as text; `at least ...` where an opaque layer does not declare its part."""
    return f"at least {text}" if total.is_bound(number) else text


def bound(total: Totals, number: str, text: str) -> str:
    """The same in a cell of a table."""
    if total.is_bound(number) and text == "0":
        return "?"
    return f">= {text}" if total.is_bound(number) else text


def share_text(analysis: Analysis, number: str) -> str:
    """`, of it 1.200 M in 2 opaque layers`, or how many do not say; empty where there are none."""
    found = opaque_layers(analysis)
    if not found:
        return ""
    declared = sum([getattr(layer, number) for layer in found])
    silent = sum([number in layer.unknown for layer in found])
    text = f", of it {si(declared)} in {counted(len(found) - silent, 'opaque layer')}" if silent < len(found) else ""
    return f"{text}, without {counted(silent, 'opaque layer')}" if silent else text


def opaque_layers(analysis: Analysis) -> list[LayerReport]:
    """Those of classes of other packages."""
    return [layer for layer in analysis.layers if layer.node.layer.role == "opaque"]


def opaque_rows(analysis: Analysis) -> list[tuple[str, str]]:
    """Which they are and what is not declared, as a line of the totals; none where there are none."""
    found, share = opaque_layers(analysis), analysis.total.opaque
    if share is None:
        return []
    names = [f"{layer.node.path} ({layer.node.layer.type})" for layer in found[:MOST_NAMED]]
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    missing = [LABELS[name] for name in share.unknown if name in LABELS]
    unknown = ", ".join([*missing, "memory beside outputs and params"])
    return [("opaque", f"{counted(len(found), 'layer')}: {', '.join(names)}{more}; not known: {unknown}")]


def opaque_notes(analyses: Sequence[Analysis]) -> list[str]:
    """The same below a table of networks."""
    return [f"{one.graph.name}: opaque {text}." for one in analyses for _, text in opaque_rows(one)]
