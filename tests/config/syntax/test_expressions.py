"""The expression language: values, bounds, and what it refuses."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.models._utils import _make_divisible

from archlab.config.syntax.expressions import (
    UNKNOWN,
    ExpressionError,
    UnknownNameError,
    UnknownValueError,
    compile_expression,
    make_divisible,
)
from tests.chunks import check_each

SCOPE = {"width": 64, "mult": 0.75, "mode": "fast", "deep": True, "sizes": (1, 2, 4), "nothing": None}


def evaluate(text: str) -> Any:
    return compile_expression(text)(SCOPE)


VALUES: list[tuple[str, Any]] = [
    *(("$width", 64), ("$mode", "fast"), ("$sizes", (1, 2, 4)), ("$nothing", None)),
    *(("$(4 * width)", 256), ("$(width // 3 % 4)", 1), ("$(2 ** 10)", 1024), ("$(-width + +1)", -63)),
    *(("$(1 / 4)", 0.25), ("$(width * mult)", 48.0), ("$(int(width * mult))", 48)),
    *(("$(mode == 'fast')", True), ('$(mode != "slow" and deep)', True), ("$(not deep or false)", False)),
    *(("$(1 < width <= 64)", True), ("$(8 if deep else 9)", 8), ("$(true)", True)),
    *(("$(min(3, 1, 2))", 1), ("$(max(width, 100))", 100), ("$(round(2.5))", 2), ("$(ceil(1.2))", 2)),
    *(
        ("$(floor(-1.2))", -2),
        ("$(1 if deep else null)", 1),
        ("$(null)", None),
        ("$(sqrt(16))", 4.0),
        ("$(make_divisible(33.6))", 32),
    ),
    *(
        ("$(sizes[1])", 2),
        ("$(sizes[-1])", 4),
        ("$(len(sizes) - 1)", 2),
        ("$(width\n  + 1)", 65),
        ("$( width )", 64),
    ),
]


def test_values() -> None:
    check_each(VALUES, check_value)


def check_value(case: tuple[str, Any]) -> None:
    text, value = case
    found = evaluate(text)
    assert found == value
    assert type(found) is type(value)


REFUSED: list[str] = [
    *("$(9**9**9)", "$(2**64)", "$(10**18 * 10**18)", "$(1e308 * 10)", "$(0.1 ** -9999)", "$((-8) ** 0.5)"),
    *("$(1 / 0)", "$(1 % 0)", "$(1 // 0)", "$(sqrt(-1))", "$(int(1e300))", "$(make_divisible(8, 0))"),
    *("$('a' * 1000000)", "$('%999999999d' % 1)", "$('a' + 'b')", "$(mode + 1)", "$([1] * 9)", "$(sizes * 2)"),
    *(
        "$(mode < 1)",
        "$(min('a', 'b'))",
        "$(sizes[3])",
        "$(sizes[1.0])",
        "$(width[0])",
        "$(width[0:2])",
        "$(sizes[::0])",
    ),
    *(
        "$(sum(1))",
        "$(sum(1, 2))",
        "$(sum(['a']))",
        "$(min([]))",
        "$(max(width))",
        "$(log(0))",
        "$(log(-1))",
        "$((1, 2))",
    ),
    *(
        "$(sizes[1.0:])",
        "$(sizes[true:])",
        "$([*sizes])",
        "$([" + "[" * 25 + "]" * 26 + ")",
        "$(sizes + [1])",
        "$(abs('a'))",
    ),
    *("$(__import__('os'))", "$(open('x'))", "$(width.real)", "$((lambda: 1)())", "$([x for x in sizes])"),
    *("$(f'{width}')", "$((x := 1))", "$(width if deep)", "$(width is 64)", "$(1 in sizes)", "$(1 << 4)"),
    *(
        "$(~1)",
        "$(1j)",
        "$(None)",
        "$(null + 1)",
        "$(b'a')",
        "$(...)",
        "$(min(*sizes))",
        "$(min(1, key=2))",
        "$(min(1))",
    ),
    *(
        "$(round(5, -999999999))",
        "$(len(width))",
        "$(len())",
        "$(len(sizes, 1))",
        "$(await width)",
        "$({})",
        "$(1; 2)",
        "$(1\n2)",
    ),
    *("$", "$()", "$( )", "$(1", "$1", "$a.b", "$a + 1", "${width}", "x$width", "$(width) + 1 +"),
    *("$(" + "(" * 300 + "1" + ")" * 300 + ")", "$(" + "-" * 900 + "1)", "$(" + "1+" * 480 + "1)"),
    *("$(" + "9" * 900 + ")", "$(" + "1" * 1100 + ")", "$(\x00)", "$(1\x00)"),
]


def test_refused() -> None:
    check_each(REFUSED, check_refused)


def check_refused(text: str) -> None:
    started = time.process_time()
    with pytest.raises(ExpressionError) as caught:
        evaluate(text)
    assert str(caught.value)
    assert time.process_time() - started < 1


def test_unknown_names_say_where() -> None:
    with pytest.raises(UnknownNameError) as caught:
        evaluate("$(2 * widht)")
    assert (caught.value.name, caught.value.column, caught.value.length) == ("widht", 6, 5)


def test_a_value_that_a_problem_left_unknown_stops_quietly() -> None:
    with pytest.raises(UnknownValueError):
        compile_expression("$(2 * width)")({"width": UNKNOWN})


@settings(deadline=None)
@given(st.floats(1, 5000), st.sampled_from([1, 4, 8, 16]))
def test_make_divisible_is_torchvisions(value: float, divisor: int) -> None:
    assert make_divisible(value, divisor) == _make_divisible(value, divisor)


PIECES = ["1", "2.5", "width", "mult", "'a'", "(", ")", "+", "-", "*", "/", "//", "%", "**", "<", "=="]
PIECES += [" and ", " or ", " not ", " if ", " else ", "min(", "max(", ",", "sqrt(", "sizes", "[", "]"]
PIECES += ["0", "1e9", "99999", ".", ":", "\n"]


@settings(deadline=None, max_examples=500)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_text_gives_a_bounded_value_or_an_error(inner: str) -> None:
    try:
        value = evaluate(f"$({inner})")
    except ExpressionError:
        return
    assert value is None or isinstance(value, int | float | str | tuple)
    if isinstance(value, float):
        assert math.isfinite(value)
    if isinstance(value, int):
        assert abs(value) < 2**63


LARGEST = 2**63 - 1
AT_THE_BOUND = [
    ("$(1" + " " * 996 + ")", 1, "$(1" + " " * 997 + ")", "has 1001 characters; at most 1000 are allowed"),
    (f"$({LARGEST})", LARGEST, f"$({LARGEST + 1})", "the result is too large"),
    (f"$({LARGEST - 1} + 1)", LARGEST, f"$({LARGEST} + 1)", "the result is too large"),
    (f"$(-{LARGEST} - 0)", -LARGEST, f"$(-{LARGEST} - 1)", "the result is too large"),
    ("$(2 ** 62)", 2**62, "$(2 ** 63)", "the result is too large"),
    ("$((-2) ** 62)", 2**62, "$((-2) ** 63)", "the result is too large"),
    ("$(1 ** 9999999)", 1, "$(2 ** 9999999)", "the result is too large"),
    ("$((-1) ** 9999999)", -1, "$((-2) ** 9999999)", "the result is too large"),
    ("$(2 ** -2)", 0.25, "$(0 ** -2)", "division by zero"),
    ("$(" + "-" * 50 + "width)", 64, "$(" + "-" * 51 + "width)", "nested deeper than 50 levels"),
    ("$(sizes[2])", 4, "$(sizes[3])", "index 3 is outside of the list's 3 items"),
    ("$(sizes[-3])", 1, "$(sizes[-4])", "index -4 is outside of the list's 3 items"),
    ("$(sizes[0])", 1, "$(mode[0])", "[...] takes a whole number out of a list"),
    ("$(min(" + "2, " * 19 + "1))", 1, "$(min(" + "2, " * 20 + "1))", "min takes 2 to 20 arguments, not 21"),
    ("$(max(2, 1))", 2, "$(max(2))", "max takes one list of numbers, or several numbers"),
    ("$(max(sizes))", 4, "$(max([]))", "max of an empty list is nothing"),
    ("$(sum([]))", 0, "$(sum(2))", "sum takes one list of numbers"),
    ("$(sum([[1, 2][1], 3]))", 5, "$(sum([1, [2]]))", "needs a number here, not a list or mapping"),
    ("$(log(8, 2))", 3.0, "$(log(8, 2, 1))", "log takes 1 to 2 arguments, not 3"),
    ("$(log2(2 ** 29))", 29.0, "$(log2(0))", "cannot be computed"),
    ("$(abs(-3))", 3, "$(abs())", "abs takes 1 arguments, not 0"),
    ("$(sizes[1:])", (2, 4), "$(sizes[::0])", "the step cannot be 0"),
    ("$([1, sizes[0], [2.5]])", (1, 1, (2.5,)), "$([1, ])x", "nothing around it"),
    ("$(len([" + "1," * 480 + "]))", 480, "$([" + "sizes," * 130 + "])", "at most 500 values, inner ones too"),
    ("$(len([" + "[" * 19 + "]" * 20 + "))", 1, "$(len([" + "[" * 20 + "]" * 21 + "))", "20 levels are allowed"),
    ("$(round(2.6))", 3, "$(round(2.6, 1))", "round takes 1 arguments, not 2"),
    ("$(int(2.6))", 2, "$(int())", "int takes 1 arguments, not 0"),
    ("$(make_divisible(33, 8, 48))", 48, "$(make_divisible(33, 8, 48, 1))", "takes 1 to 3 arguments, not 4"),
    ("$(make_divisible(7, 1))", 7, "$(make_divisible(7, 0))", "the divisor must be at least 1"),
    ("$(1 / 8)", 0.125, "$(1 / 0)", "division by zero"),
    ("$(ceil(1e18))", 10**18, "$(ceil(1e19))", "the result is too large"),
    ("$(len(sizes))", 3, "$(len(mode))", "len takes a list"),
]
"""Each with the value just inside of a bound, and what is said about the one just outside."""


def test_bounds_are_where_they_are_said_to_be() -> None:
    check_each(AT_THE_BOUND, check_bound)


def check_bound(case: tuple[str, Any, str, str]) -> None:
    inside, value, outside, message = case
    found = evaluate(inside)
    assert (found, type(found)) == (value, type(value))
    with pytest.raises(ExpressionError) as caught:
        evaluate(outside)
    assert message in str(caught.value)


MARKED: list[tuple[str, str, str]] = [
    ("$(width + mode)", "mode", "needs a number here, not 'fast'"),
    ("$(nothing * 2)", "nothing", "needs a number here, not nothing"),
    ("$(2 - sizes)", "sizes", "needs a number here, not a list or mapping"),
    ("$(1 + width / 0)", "width / 0", "division by zero"),
    ("$(width + min(1, mode))", "mode", "needs a number here, not 'fast'"),
    ("$(width + sqrt(-4))", "sqrt(-4)", "cannot be computed"),
    ("$(width + (-4) ** 0.5)", "(-4) ** 0.5", "cannot be computed: the root of a negative number"),
    ("$(2 * widht)", "widht", "there is no param 'widht' here"),
    ("$(width + foo(1))", "foo(1)", "'foo' is not a function here"),
    ("$(width << 2)", "width << 2", "the operator 'LShift' cannot be used in an expression"),
    ("$(1 + (mode < 2))", "mode < 2", "compares a number with something that is not a number"),
    ("$(1 + (2 in sizes))", "2 in sizes", "only == != < <= > >= compare in an expression"),
    ("$(width.real)", "width.real", "attribute access (a.b) cannot be used in an expression"),
    ("$(1 + ~width)", "~width", "the operator '~' cannot be used in an expression"),
    ("$(1 + b'x')", "b'x'", "b'x' cannot be used in an expression"),
    ("${width}", "${", "${...} would mean a mapping"),
    (
        "$(max(sizes[0]",
        "$(max(sizes[0]",
        "an expression is $name or $(...) and nothing around it; inside {",
    ),
    ("$width + 1", "$width + 1", "an expression is $name or $(...) and nothing around it"),
    ("$( )", "$( )", "the expression is empty"),
    ("$(" + "1" * 1100 + ")", "$", "the expression has 1103 characters"),
    ("$(1) not #)", "(", "cannot read the expression: invalid syntax"),
    ("$(1 +)", ")", "cannot read the expression: invalid syntax"),
    ("$('\u00e9t\u00e9' == widht)", "widht", "there is no param 'widht' here"),
    ("$('\u00e9' == '\u00fc' or 1 + mode)", "mode", "needs a number here, not 'fast'"),
]


def test_the_culprit_is_marked() -> None:
    check_each(MARKED, check_marked)


def check_marked(case: tuple[str, str, str]) -> None:
    text, part, message = case
    with pytest.raises(ExpressionError) as caught:
        evaluate(text)
    assert message in str(caught.value)
    assert text[caught.value.column :][: caught.value.length] == part


def test_what_comes_first_decides() -> None:
    """`and` and `or` give one of their operands, and evaluate no further than they must."""
    pairs = [("$(0 or 3)", 3), ("$(2 or 1 / 0)", 2), ("$(0 and 1 / 0)", 0), ("$(2 and 3)", 3), ("$(2 and 0 and 1)", 0)]
    for text, value in [*pairs, ("$(7 if 1 < 0 else 9)", 9), ("$(1 / 0 if false else 2)", 2), ("$(3 > 2 > 1)", True)]:
        assert evaluate(text) == value, text


def test_characters_that_no_text_has_are_refused_as_a_whole() -> None:
    text = "$(\ud800)"
    with pytest.raises(ExpressionError, match="holds characters it cannot") as caught:
        compile_expression(text)
    assert (caught.value.column, caught.value.length) == (0, len(text))
