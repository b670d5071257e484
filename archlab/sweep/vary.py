"""What a param may be, as it is written: `16..128:8`, `8..128*2`, `[96, 128, 160]`, `$(2 * width)`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from archlab.config.expand.inputs import ONLY, GivenInput, input_fault
from archlab.config.syntax.expressions import is_expression
from archlab.config.syntax.substitute import is_dynamic, substitute
from archlab.config.syntax.yaml_nodes import Mapping as MappingNode
from archlab.config.syntax.yaml_nodes import Node, Scalar, parse
from archlab.config.tree.argument import Argument
from archlab.config.tree.document import Document, Variant
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import Problems, single_problem
from archlab.diagnostics.spelling import argument, spelling
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import listed
from archlab.layers.shape import AXIS_NAMES, Shape
from archlab.sweep.space import MOST_DESIGNS, Knob, Space

MOST_VALUES = 10_000
"""Of one param."""
MOST_KNOBS = 64
FORMS = "a list [16, 32], a range 16..128 or 16..128:8, a growing one 8..128*2, or an expression $(2 * width)"

_NUMBER = r"-?(?:[0-9]{1,15}(?:\.[0-9]{1,15})?|\.[0-9]{1,15})"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*(?:([:*])\s*({_NUMBER}))?\s*\Z", re.ASCII)
_SIZES = re.compile(r"[0-9]{1,9}(?:x[0-9]{1,9}){1,3}\Z", re.ASCII)


class VaryError(ValueError):
    """What is written is no set of values; the message says what to write."""


def space_of(
    document: Document,
    variant: Variant | None,
    vary: Mapping[str, Node],
    places: Mapping[str, Place],
    problems: Problems,
    *,
    settings: Mapping[str, Any],
    input_shape: GivenInput | None = None,
) -> Space | None:
    """The space that is written; None with problems where it is none.

    Args:
        document: the config.
        variant: one of its variants.
        vary: values by param.
        places: where each of these stands in a file; those of the command line stand nowhere.
        problems: the collector.
        settings: values of further params.
        input_shape: instead of the config's.
    """
    count = len(problems.found)
    knobs: list[Knob] = []
    derived: dict[str, Argument] = {}
    for name, node in vary.items():
        place = places.get(name)
        try:
            _check_name(name, document, settings, input_shape)
            if isinstance(node, Scalar) and is_expression(node.text):
                derived[name] = _derived(name, node)
            else:
                knobs.append(Knob(name, _values(name, node, document, variant)))
        except VaryError as error:
            code = Code.UNKNOWN_PARAM if name not in (*document.params, ONLY) else Code.WRONG_VALUE
            problems.add(str(error) if place is not None else f"{argument('vary', name)}: {error}", code, place)
    if not vary:
        example = argument("vary", "width=16..128:8")
        problems.add(f"nothing varies; give values: {example}", Code.MISSING, None)
    if len(knobs) > MOST_KNOBS:
        problems.add(f"{len(knobs)} params vary; at most {MOST_KNOBS} may", Code.TOO_LARGE, None)
    space = Space(document, variant, settings, input_shape, tuple(knobs), derived)
    if space.size > MOST_DESIGNS:
        message = f"the space has more than 10^{len(str(MOST_DESIGNS)) - 1} designs; narrow the ranges"
        problems.add(message, Code.TOO_LARGE, None)
    return space if len(problems.found) == count else None


def _check_name(name: str, document: Document, settings: Mapping[str, Any], input_shape: GivenInput | None) -> None:
    if name == ONLY:
        if input_shape is not None:
            raise VaryError(f"'input' has one value already, by {argument('input')}")
        return
    if name not in document.params:
        hint = did_you_mean(name, [*document.params, ONLY]) or f"; it has {listed(document.params)}"
        raise VaryError(f"{document.name} has no param '{name}'{hint}")
    if name in settings:
        raise VaryError(f"'{name}' has one value already, by {spelling().param(name)}")


def _derived(name: str, node: Scalar) -> Argument:
    if name == ONLY:
        raise VaryError("sizes of the input are a list or a range, no expression")
    return Argument(node)


def _values(name: str, node: Node, document: Document, variant: Variant | None) -> tuple[Any, ...]:
    if isinstance(node, MappingNode):
        raise VaryError(f"write {FORMS}")
    if is_dynamic(node):
        raise VaryError("a list of values holds no expressions; an expression stands alone")
    if isinstance(node, Scalar) and isinstance(node.value, str) and ".." in node.text:
        values = _range(node.text)
    elif isinstance(node, Scalar):
        values = [node.value]
    else:
        values = [substitute(item, {}) for item in node.items]
    if name == ONLY:
        values = [_sizes(value, document, variant) for value in values]
    if not values:
        raise VaryError("there is no value")
    if len(values) > MOST_VALUES:
        raise VaryError(f"{len(values):,} values; at most {MOST_VALUES:,}")
    twice = _twice(values)
    if twice is not None:
        raise VaryError(f"{twice!r} is there twice")
    if None in values:
        raise VaryError("null is no value of a param")
    return tuple(values)


def _twice(values: list[Any]) -> Any:
    seen: set[str] = set()
    for value in values:
        if repr(value) in seen:
            return value
        seen.add(repr(value))
    return None


def _range(text: str) -> list[Any]:
    found = _RANGE.match(text)
    if found is None:
        raise VaryError(f"'{text[:60]}' is no range; write {FORMS}")
    low_text, high_text, sign, by_text = found.groups()
    low, high, by = Fraction(low_text), Fraction(high_text), Fraction(by_text or 1)
    is_whole = "." not in low_text + high_text
    if sign != "*":
        is_whole = is_whole and "." not in (by_text or "")
    if low > high:
        raise VaryError(f"{text.strip()} goes down; write the smaller number first")
    if sign == "*":
        numbers = _growing(low, high, by, text)
        if is_whole:
            return list(dict.fromkeys(round(number) for number in numbers))
    else:
        if by <= 0:
            raise VaryError(f"the step of {text.strip()} must be more than 0")
        if (high - low) / by >= MOST_VALUES:
            raise VaryError(f"{text.strip()} has more than {MOST_VALUES:,} values")
        numbers = [low + step * by for step in range(int((high - low) / by) + 1)]
    return [int(number) if is_whole else float(number) for number in numbers]


def _growing(low: Fraction, high: Fraction, by: Fraction, text: str) -> list[Fraction]:
    if by <= 1 or low <= 0:
        raise VaryError(f"{text.strip()} does not grow; its first number must be more than 0, its factor more than 1")
    numbers = []
    while low <= high:
        numbers.append(low)
        low *= by
        if len(numbers) > MOST_VALUES:
            raise VaryError(f"{text.strip()} has more than {MOST_VALUES:,} values")
    return numbers


def _sizes(value: Any, document: Document, variant: Variant | None) -> Shape:
    """A shape of `96`, which each axis has then, of `3x96x128`, or of a list."""
    if isinstance(value, str) and _SIZES.match(value):
        value = tuple(map(int, value.split("x")))
    if type(value) is int:
        own = _own_shape(document, variant)
        if own is None:
            raise VaryError("the config's input is no plain list of sizes; write them all: 3x96x96")
        value = (own[0], *[value] * (len(own) - 1)) if len(own) > 1 else (value,)
    fault = input_fault(value)
    if fault is not None:
        raise VaryError(fault)
    return tuple(value)


def _own_shape(document: Document, variant: Variant | None) -> Shape | None:
    node = variant.input if variant is not None and variant.input is not None else document.input
    if node is None or isinstance(node, MappingNode) or is_dynamic(node):
        return None
    value = substitute(node, {})
    if not isinstance(value, tuple) or len(value) - 1 not in (0, *AXIS_NAMES):
        return None
    return value if all(type(one) is int for one in value) else None


def value_text(value: Any) -> str:
    """A value as `--set` takes it; a shape of the input as `--input` does."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(value_text, value))}]"
    return str(value)


def read_vary(texts: Iterable[str]) -> dict[str, Node]:
    """`name=values` of the command line, by name; `16,32` is a list too.

    Raises:
        ConfigError: for what is none.
    """
    found: dict[str, Node] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise single_problem(f"--vary takes name=values, not '{text[:80]}'; write {FORMS}", Code.WRONG_VALUE)
        if name in found:
            raise single_problem(f"--vary {name} is there twice", Code.WRONG_VALUE)
        problems = Problems()
        node = parse(Source(f"--vary {name}", values), problems)
        problems.raise_if_any()
        if isinstance(node, Scalar) and "," in values and not is_expression(values.strip()):
            node = parse(Source(f"--vary {name}", f"[{values}]"), problems)
            problems.raise_if_any()
        found[name] = node
    return found
