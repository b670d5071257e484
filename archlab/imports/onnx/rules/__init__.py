"""Operators that are layers: a rule for each, which adds items or says by `UnsaidError` why there is no layer."""

from __future__ import annotations

from archlab.imports.onnx.rules import activations, convolutions, joins, norms, pools, resize, views
from archlab.imports.onnx.rules.rule import Rule

RULES: dict[str, Rule] = {
    **activations.RULES,
    **convolutions.RULES,
    **joins.RULES,
    **norms.RULES,
    **pools.RULES,
    **resize.RULES,
    **views.RULES,
}
"""Operators to rules."""
