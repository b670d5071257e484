"""The figures of a network that a config or a command may hold it to, and limits on them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import NamedTuple

from archlab.config.syntax.quantity import BYTES, COUNT, POSITIONS, Measure, QuantityError, parse_quantity, shortened
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.spelling import argument
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import one_of

FIGURES: dict[str, Measure] = {
    **dict.fromkeys(("params", "buffers", "macs", "flops", "activations"), COUNT),
    **dict.fromkeys(("receptive_field", "stride"), POSITIONS),
    **{f"memory.{part}": BYTES for part in ("params", "buffers", "activations", "inference_peak", "training_peak")},
    **dict.fromkeys(("memory.flash", "memory.ram", "memory.arena", "int8.flash", "int8.ram", "int8.arena"), BYTES),
    **dict.fromkeys(("float16.flash", "float16.ram"), BYTES),
}
"""By the names that they have in JSON under `total`."""

BY_AXIS = ("receptive_field", "stride")
"""Figures that each axis of the input has its own of."""

RELATIONS: dict[str, Callable[[Fraction | float, Fraction], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_HABITS = {"=<": "<=", "=>": ">=", "≤": "<=", "≥": ">=", "max": "<=", "min": ">=", "up to": "<=", "at least": ">="}
"""What else people write for a relation."""


class Limit(NamedTuple):
    """How large or small a figure may be.

    Attributes:
        relation: of the figure to the value.
        value: the most or the least.
        quantity: the same as it was written.
    """

    relation: str
    value: Fraction
    quantity: str

    @property
    def is_upper(self) -> bool:
        """Whether the figure may be too large, not too small."""
        return self.relation[0] == "<"

    @property
    def text(self) -> str:
        """`<= 60M`."""
        return f"{self.relation} {self.quantity}"

    def holds(self, figure: Fraction | float) -> bool:
        """Whether a figure is within it."""
        return RELATIONS[self.relation](figure, self.value)


_LIMIT = re.compile(r"(<=|>=|<|>)(?![<>=])\s*([^<>=]+)\Z")
_FIGURE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


def parse_limits(text: str, figure: str) -> tuple[Limit, ...]:
    """`<= 60M`, or `>= 40M and <= 60M`.

    Raises:
        QuantityError: if it is none, or nothing can be within both.
    """
    limits = tuple([_limit(part, figure) for part in text.split(" and ")])
    uppers = [limit for limit in limits if limit.is_upper]
    lowers = [limit for limit in limits if not limit.is_upper]
    if len(uppers) > 1 or len(lowers) > 1:
        raise QuantityError(f"'{shortened(text)}' has two limits in one direction; write the narrower one alone")
    if uppers and lowers and not _leave_room(lowers[0], uppers[0]):
        raise QuantityError(f"nothing can be {lowers[0].text} and {uppers[0].text}")
    return limits


def _leave_room(lower: Limit, upper: Limit) -> bool:
    if lower.value == upper.value:
        return lower.relation == ">=" and upper.relation == "<="
    return lower.value < upper.value


def _limit(text: str, figure: str) -> Limit:
    text = text.strip()
    found = _LIMIT.match(text)
    if found is None:
        shown = f"'{shortened(text)}' is" if text else f"'{figure}' alone is"
        raise QuantityError(f"{shown} no limit{_limit_hint(shortened(text), figure)}")
    relation, quantity = found.groups()
    return Limit(relation, parse_quantity(quantity, FIGURES[figure]), quantity)


def _limit_hint(text: str, figure: str) -> str:
    rest = text.lstrip("<>=≤≥! ").strip()
    if re.search(r"[<>=≤≥,]|\bor\b", rest):
        return f"; join limits by 'and', each of a figure: '{figure} {example(figure)} and ...'"
    for habit, relation in _HABITS.items():
        if text.lower().startswith(habit):
            return f"; write '{relation} {text[len(habit) :].strip(' :=') or example(figure)[3:]}'"
    if text.startswith("=") and rest:
        return f"; write '<= {rest}' or '>= {rest}', or the exact figure alone"
    return f"; write '<= {rest}' or '>= {rest}'" if rest[:1].isdigit() else f"; write '{example(figure)}', say"


def example(key: str) -> str:
    """A limit of the kind that a figure has."""
    if key in BY_AXIS:
        return ">= 224" if key == "receptive_field" else "<= 32"
    return "<= 300 KiB" if FIGURES[key] is BYTES else "<= 60M"


class FigureLimit(NamedTuple):
    """A limit on a figure, as a command takes it."""

    figure: str
    limit: Limit


def parse_figure_limits(text: str) -> list[FigureLimit]:
    """`macs <= 60M and params <= 0.5M`.

    Raises:
        QuantityError: for what is no limit, and figures that are not known.
    """
    found: list[FigureLimit] = []
    for part in text.split(" and "):
        match = _FIGURE.match(part.strip())
        if match is None:
            raise QuantityError(f"'{shortened(part.strip())}' names no figure; write 'macs <= 60M', say")
        name = match.group()
        if name not in FIGURES:
            raise QuantityError(unknown_figure(name))
        found += [FigureLimit(name, limit) for limit in parse_limits(part.strip()[len(name) :], name)]
    return found


def read_figure_limits(argument_name: str, texts: Iterable[str]) -> list[FigureLimit]:
    """The limits of an argument, in each text one or several.

    Raises:
        ConfigError: for what is no limit, with the argument as the caller writes it.
    """
    found: list[FigureLimit] = []
    for text in texts:
        try:
            found += parse_figure_limits(text)
        except QuantityError as error:
            raise single_problem(f"{argument(argument_name, text)}: {error}", Code.WRONG_VALUE) from None
    return found


def unknown_figure(name: str) -> str:
    """That there is no such figure, and which there are."""
    return f"there is no figure '{shortened(name)}'{figure_hint(name)}"


def figure_hint(name: str) -> str:
    """The figure that was meant, or all that there are."""
    return did_you_mean(name, FIGURES) or f"; it may be {one_of(FIGURES)}"
