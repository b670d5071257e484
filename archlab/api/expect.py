"""`expect`: figures written in a config, checked against the analysis."""

from __future__ import annotations

from typing import Any

from archlab.analysis.result import Analysis
from archlab.config.syntax.substitute import is_dynamic, substitute
from archlab.config.syntax.yaml_nodes import Mapping, Sequence, kind
from archlab.config.tree.expect import _FORMS, _WHOLE, EXPECT_KEYS, GLOBAL, _is_figure
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import Problems
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import counted, one_of


def check_expect(expect: Mapping, analysis: Analysis, problems: Problems) -> None:
    """Record every figure that differs from the analysis (batch 1)."""
    for key, node in expect.entries.items():
        if key not in EXPECT_KEYS:
            hint = did_you_mean(key, EXPECT_KEYS) or f"; it has {one_of(EXPECT_KEYS)}"
            problems.add(f"'expect' has no figure '{key}'{hint}", Code.UNKNOWN_OPTION, expect.keys[key])
            continue
        if is_dynamic(node):
            problems.add("'expect' takes plain figures, no expressions", Code.WRONG_VALUE, node.place)
            continue
        if not _is_figure(key, node):
            hint = "; the figure must be equal, and bounds cannot be written" if isinstance(node, Mapping) else ""
            found = f"a list of {len(node.items)}" if isinstance(node, Sequence) else kind(node)
            message = f"expect: '{key}' is {_FORMS.get(key, _WHOLE)}, not {found}{hint}"
            problems.add(message, Code.WRONG_TYPE, node.place)
            continue
        if analysis.total.is_bound(key):
            reason = f"an opaque layer does not declare its {key}"
            problems.add(f"{analysis.graph.name}: {key} is not known: {reason}", Code.EXPECT, node.place)
            continue
        wanted = substitute(node, {})
        found = _figure(key, analysis)
        if isinstance(wanted, tuple) and len(wanted) != len(found):
            message = (
                f"expect: '{key}' has {len(wanted)} values, but the input has {counted(len(found), 'axis', 'axes')}"
            )
            problems.add(message, Code.WRONG_TYPE, node.place)
            continue
        if not _equal(wanted, found):
            message = f"{analysis.graph.name}: expected {key} {_shown(wanted)}, but it is {_shown(found)}"
            problems.add(message, Code.EXPECT, node.place)


def _figure(key: str, analysis: Analysis) -> Any:
    total = analysis.total
    if key in ("receptive_field", "stride"):
        axes = total.receptive_field.axes
        if key == "stride":
            return tuple("none" if axis is None else axis.stride for axis in axes)
        return tuple(GLOBAL if axis is None else axis.sizes[-1] for axis in axes)
    return getattr(total, key)


def _equal(wanted: Any, found: Any) -> bool:
    if isinstance(found, tuple) and not isinstance(wanted, tuple):
        wanted = (wanted,) * len(found)
    return bool(wanted == found)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        parts = [str(part) for part in value]
        return parts[0] if len(set(parts)) == 1 else f"[{', '.join(parts)}]"
    return str(value)
