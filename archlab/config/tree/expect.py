"""`expect`: exact figures and limits that a config holds its networks to."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from archlab.config.syntax.quantity import BYTES, QuantityError, parse_quantity, shortened
from archlab.config.syntax.substitute import is_dynamic
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, kind
from archlab.config.tree.figures import BY_AXIS, FIGURES, RELATIONS, Limit, example, figure_hint, parse_limits
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import Problems
from archlab.layers.shape import AXIS_NAMES

GLOBAL = "global"
"""As a receptive field: every unit of the first result sees the whole input."""

_WHOLE = "a whole number"
_FORMS = {
    "receptive_field": "a whole number, global, or a list with one for each axis: [height, width]",
    "stride": "a number, or a list with one for each axis: [height, width]",
}
"""Of figures that each axis has its own of."""

Exact = Fraction | str
"""A number, or that a receptive field is `global`."""
Wanted = Exact | tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one line of `expect` says.

    Attributes:
        figure: its name.
        wanted: what it must be; several where each axis has its own.
        by_axis: whether they were written as a list.
        place: of the whole.
        places: of each.
    """

    figure: str
    wanted: tuple[Wanted, ...]
    by_axis: bool
    place: Place
    places: tuple[Place, ...]

    def place_of(self, axes: tuple[int, ...]) -> Place:
        """Where it says what the axes of these numbers must be."""
        return self.places[axes[0]] if self.by_axis and len(axes) == 1 else self.place

    @property
    def is_exact(self) -> bool:
        """Whether the figure must be equal to something, so that it is of one network under one batch."""
        return any(not isinstance(wanted, tuple) for wanted in self.wanted)


class _WrongFormError(Exception):
    """A value of another kind."""


def read_expect(expect: Mapping, problems: Problems) -> list[Expectation]:
    """What it says, line by line; what cannot be meant is a problem, and left out."""
    found: list[Expectation] = []
    for key, node in expect.entries.items():
        if key not in FIGURES:
            problems.add(f"'expect' has no figure '{key}'{figure_hint(key)}", Code.UNKNOWN_OPTION, expect.keys[key])
        elif is_dynamic(node):
            problems.add(
                "'expect' takes plain figures and limits, no expressions; a variant has an 'expect' of its own",
                Code.WRONG_VALUE,
                node.place,
            )
        else:
            try:
                found.append(_expectation(key, node))
            except _WrongFormError:
                problems.add(_form_message(key, node), Code.WRONG_TYPE, node.place)
            except QuantityError as error:
                problems.add(f"expect: '{key}': {error}", Code.WRONG_VALUE, node.place)
    return found


def _expectation(key: str, node: Node) -> Expectation:
    """One line.

    Raises:
        _WrongFormError: for a value of another kind.
        QuantityError: for a limit or a quantity that is none.
    """
    if isinstance(node, Sequence) and (key not in BY_AXIS or len(node.items) not in AXIS_NAMES):
        raise _WrongFormError
    parts = node.items if isinstance(node, Sequence) else [node]
    wanted, places = [_wanted(key, part) for part in parts], [part.place for part in parts]
    return Expectation(key, tuple(wanted), isinstance(node, Sequence), node.place, tuple(places))


def _wanted(key: str, node: Node) -> Wanted:
    if not isinstance(node, Scalar) or node.value is None or isinstance(node.value, bool):
        raise _WrongFormError
    value = node.value
    if isinstance(value, str):
        return _of_text(key, value)
    if FIGURES[key] is BYTES:
        raise QuantityError(f"'{node.text}' has no unit; write '{node.text} B', or a limit such as '<= 300 KiB'")
    if isinstance(value, float) and key != "stride":
        raise _WrongFormError
    return Fraction(value)


def _of_text(key: str, text: str) -> Wanted:
    if key == "receptive_field" and text == GLOBAL:
        return GLOBAL
    if "$" in text:
        raise QuantityError(f"'{shortened(text)}' holds an expression; a figure or a limit is plain")
    if any(sign in text for sign in "<>=≤≥"):
        return parse_limits(text, key)
    if not text[:1].isdigit():
        raise _WrongFormError
    amount = parse_quantity(text, FIGURES[key])
    if FIGURES[key] is BYTES:
        return amount
    raise QuantityError(
        f"'{shortened(text)}' would be an exact figure; write '<= {shortened(text)}' for a limit, or {_number(amount)}"
    )


def _number(value: Fraction) -> str:
    return str(value) if value.denominator == 1 else f"{float(value):g}"


def _form_message(key: str, node: Node) -> str:
    found = f"a list of {len(node.items)}" if isinstance(node, Sequence) else kind(node)
    form = "a size such as '300 KiB'" if FIGURES[key] is BYTES else _FORMS.get(key, _WHOLE)
    return f"expect: '{key}' is {form}, or a limit such as '{example(key)}', not {found}"


def limit_pattern(key: str) -> str:
    """A regular expression, of any program's kind, that limits of a figure match."""
    measure = FIGURES[key]
    units = "|".join([unit for unit in measure.units if unit])
    unit = "" if not units else f" *({units})" + ("?" if "" in measure.units else "")
    limit = rf"({'|'.join(RELATIONS)}) *([0-9]+(\.[0-9]+)?|\.[0-9]+){unit}"
    return f"^ *{limit}( +and +{limit})? *$"


def size_pattern() -> str:
    """The same of an exact size in bytes."""
    return rf"^[0-9]+(\.[0-9]+)? *({'|'.join(BYTES.units)})$"
