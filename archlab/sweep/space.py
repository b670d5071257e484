"""A space of designs: the params of a config with the values that each may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

from archlab.config.expand.inputs import ONLY, GivenInput
from archlab.config.expand.params import check_param, resolve_params
from archlab.config.syntax.expressions import UNKNOWN, UnknownValueError
from archlab.config.tree.argument import Argument
from archlab.config.tree.dependence import words_in
from archlab.config.tree.document import Document, Params, Variant
from archlab.diagnostics.problem import BadItemError, ConfigError, Problem, Problems

Digits = tuple[int, ...]
"""For each knob, the number of its value."""
MOST_DESIGNS = 10**18
"""Of a space."""


class Knob(NamedTuple):
    """A param that varies.

    Attributes:
        name: of the param; `input` for the sizes of the network's input.
        values: that it may have; shapes of an input.
    """

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Space:
    """All designs that the values of some params make.

    Attributes:
        document: the config.
        variant: one of its variants, or None for the defaults.
        settings: values of further params.
        input: instead of the config's; None for that.
        knobs: what varies; the last one is the first to move from design to design.
        derived: params whose values follow from others, each an expression.
        deployed: whether each is taken as a runtime on a device runs it.
    """

    document: Document
    variant: Variant | None
    settings: Mapping[str, Any]
    input: GivenInput | None
    knobs: tuple[Knob, ...]
    derived: Mapping[str, Argument]
    deployed: bool = False

    @cached_property
    def size(self) -> int:
        """How many designs there are."""
        return prod([len(knob.values) for knob in self.knobs])

    @cached_property
    def weights(self) -> Digits:
        """For each knob: by how much a design's number grows with the number of its value."""
        found, weight = [], 1
        for knob in reversed(self.knobs):
            found.append(weight)
            weight *= len(knob.values)
        return tuple(reversed(found))

    def digits(self, number: int) -> Digits:
        """The numbers of a design's values."""
        found: list[int] = []
        for weight in self.weights:
            digit, number = divmod(number, weight)
            found.append(digit)
        return tuple(found)

    def chosen(self, number: int) -> dict[str, Any]:
        """The values of a design's knobs, by name."""
        return {knob.name: knob.values[digit] for knob, digit in zip(self.knobs, self.digits(number), strict=True)}

    def settings_of(self, digits: Sequence[int]) -> tuple[dict[str, Any], GivenInput | None]:
        """The params and the input of a design.

        Raises:
            ConfigError: where an expression has no value.
        """
        settings, given = dict(self.settings), self.input
        for knob, digit in zip(self.knobs, digits, strict=True):
            if knob.name == ONLY:
                given = knob.values[digit]
            else:
                settings[knob.name] = knob.values[digit]
        for name, argument in self.derived.items():
            values = resolve_params(self.document, self.variant, settings, Problems())
            try:
                settings[name] = argument.value(values)
            except (BadItemError, UnknownValueError):
                settings[name] = UNKNOWN
        return settings, given

    def params_of(self, digits: Sequence[int]) -> Params:
        """The values of all params, as far as they are known."""
        settings, _ = self.settings_of(digits)
        return resolve_params(self.document, self.variant, settings, Problems())

    def problem_of(self, name: str, digits: Sequence[int]) -> Problem | None:
        """What is wrong with a param's value, if that follows from others."""
        problems = Problems()
        settings, _ = self.settings_of(digits)
        values = resolve_params(self.document, self.variant, settings, Problems())
        if name in self.derived:
            try:
                self.derived[name].value({key: value for key, value in values.items() if key != name})
            except BadItemError as error:
                return Problem(error.message, error.code, error.place)
            except UnknownValueError:
                return None
        check_param(self.document, self.variant, settings, name, values, problems)
        return problems.found[0] if problems.found else None

    @cached_property
    def reach(self) -> dict[str, frozenset[int]]:
        """For each param: the knobs that its value may depend on, by their numbers."""
        number = {knob.name: index for index, knob in enumerate(self.knobs)}
        found: dict[str, frozenset[int]] = {}
        assigned = {} if self.variant is None else self.variant.assignments
        before: dict[str, frozenset[int]] | None = None
        while found != before:  # what is derived may stand in front of what it is derived from
            before = dict(found)
            for name, default in self.document.params.items():
                arguments = [default, *[each[name] for each in (assigned, self.derived) if name in each]]
                words = set().union(*[words_in(argument.node) for argument in arguments if argument.dynamic])
                own = frozenset({number[name]} if name in number else ())
                found[name] = own.union(found.get(name, ()), *[found.get(word, ()) for word in words])
        return found

    @cached_property
    def followed(self) -> tuple[str, ...]:
        """The params whose values follow from knobs."""
        assigned = {} if self.variant is None else self.variant.assignments
        found: list[str] = []
        for name, default in self.document.params.items():
            dynamic = default.dynamic or name in self.derived or (name in assigned and assigned[name].dynamic)
            if name in self.derived or (dynamic and self.reach[name]):
                found.append(name)
        return tuple(found)

    def knobs_of(self, words: frozenset[str]) -> tuple[int, ...]:
        """The knobs that what names these words may depend on."""
        return tuple(sorted(set().union(*[self.reach.get(word, frozenset()) for word in words])))

    @cached_property
    def input_knobs(self) -> tuple[int, ...]:
        """The knobs that the input's shape may depend on."""
        own = {index for index, knob in enumerate(self.knobs) if knob.name == ONLY}
        written = self.document.input
        if self.variant is not None and self.variant.input is not None:
            written = self.variant.input
        words = frozenset() if written is None else frozenset(words_in(written))
        return tuple(sorted(own | set(self.knobs_of(words))))


def first_problem(error: ConfigError) -> str:
    """What is wrong, in one line."""
    return error.problems[0].message
