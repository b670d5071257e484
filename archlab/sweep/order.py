"""Designs in an order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import one_of
from archlab.sweep.figures import FIGURES, Designs, value_of
from archlab.sweep.space import Space

Key = Callable[[int], Any]


def arranged(space: Space, designs: Designs, sort: Sequence[str], limit: int | None) -> Designs:
    """The designs by figures or params, and no more than so many.

    Args:
        space: of the designs.
        designs: in the order of their numbers.
        sort: by what, the most important first; `-macs` has the largest first.
        limit: how many; None for all.

    Raises:
        ConfigError: for what is neither.
    """
    rows = list(range(len(designs)))
    for word in reversed(sort):
        rows.sort(key=_key(space, designs, word.lstrip("-")), reverse=word.startswith("-"))
    if not sort and (limit is None or limit >= len(rows)):
        return designs
    return designs.picked(rows if limit is None else rows[:limit])


HEADINGS = {"memory": "memory.inference_peak", "receptive-field": "receptive_field"}
"""Figures by the keys of their columns, as other commands sort by them."""


def _key(space: Space, designs: Designs, name: str) -> Key:
    knobs = {knob.name for knob in space.knobs}
    name = name if name in knobs else HEADINGS.get(name.lower(), name)
    if name in FIGURES:
        values: list[int | Fraction | float] = [value_of(designs, name, row) for row in range(len(designs))]
        return values.__getitem__
    for knob, weight in zip(space.knobs, space.weights, strict=True):
        if knob.name == name:
            count = len(knob.values)
            return lambda row: designs.numbers[row] // weight % count
    known = [*FIGURES, *[knob.name for knob in space.knobs]]
    hint = did_you_mean(name, known) or f"; there are {one_of(known)}"
    raise single_problem(f"--sort: there is no '{name}'{hint}", Code.WRONG_VALUE)
