"""The expression language: values, bounds, and what it refuses."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.models._utils import _make_divisible

from archlab.config.expressions import (
    UNKNOWN,
    ExpressionError,
    UnknownNameError,
    UnknownValueError,
    compile_expression,
    make_divisible,
)

SCOPE = {"width": 64, "mult": 0.75, "mode": "fast", "deep": True, "sizes": (1, 2, 4), "nothing": None}


def evaluate(text: str) -> Any:
    return compile_expression(text)(SCOPE)


@pytest.mark.parametrize(
    ("text", "value"),
    [
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
    ],
)
def test_values(text: str, value: Any) -> None:
    found = evaluate(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        *("$(9**9**9)", "$(2**64)", "$(10**18 * 10**18)", "$(1e308 * 10)", "$(0.1 ** -9999)", "$((-8) ** 0.5)"),
        *("$(1 / 0)", "$(1 % 0)", "$(1 // 0)", "$(sqrt(-1))", "$(int(1e300))", "$(make_divisible(8, 0))"),
        *("$('a' * 1000000)", "$('%999999999d' % 1)", "$('a' + 'b')", "$(mode + 1)", "$([1] * 9)", "$(sizes * 2)"),
        *("$(mode < 1)", "$(min('a', 'b'))", "$(sizes[3])", "$(sizes[1.0])", "$(width[0])", "$(sizes[0:2])"),
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
    ],
)
def test_refused(text: str) -> None:
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
