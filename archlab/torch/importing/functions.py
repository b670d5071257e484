"""Functions that are layers: the table of all rules, by the functions' names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archlab.torch.importing.learned import function_word
from archlab.torch.importing.rules import (
    activations,
    convolutions,
    joins,
    layout,
    norms,
    pooling,
    products,
    reductions,
    resizing,
    slices,
)
from archlab.torch.importing.rules.arguments import Rule

RULES: dict[str, Rule] = {
    **joins.RULES,
    **convolutions.RULES,
    **products.RULES,
    **norms.RULES,
    **activations.RULES,
    **pooling.RULES,
    **resizing.RULES,
    **reductions.RULES,
    **slices.RULES,
    **layout.RULES,
}
"""Function names, without the underscores around them, to rules."""


def rule_of(func: Callable[..., Any]) -> Rule | None:
    """The rule of a function, a method, an operator or a property; None where there is none."""
    return RULES.get(function_word(func))
