"""Limits on figures: the grammar, what holds at the edges, and that the schema takes what is read."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import product

import pytest

from archlab.config.syntax.quantity import QuantityError
from archlab.config.tree.expect import limit_pattern
from archlab.config.tree.figures import FIGURES, example, parse_figure_limits, parse_limits


@pytest.mark.parametrize("relation", ["<=", ">=", "<", ">"])
@pytest.mark.parametrize("figure", [2, 3, 4, Fraction(5, 2), float("inf")])
def test_the_edge_of_each_relation(relation: str, figure: Fraction) -> None:
    (limit,) = parse_limits(f"{relation}3", "stride")
    assert limit.holds(figure) == eval(f"figure {relation} 3")  # noqa: S307 - Python's own relation
    assert limit.is_upper == ("<" in relation)


def test_one_limit_or_two() -> None:
    assert [limit.text for limit in parse_limits(">= 40M and <60 M", "macs")] == [">= 40M", "< 60 M"]
    assert [(name, limit.text) for name, limit in parse_figure_limits("macs<=60M and memory.params < 1 MiB")] == [
        ("macs", "<= 60M"),
        ("memory.params", "< 1 MiB"),
    ]


@pytest.mark.parametrize(("lower", "upper"), [*product([">= 2", "> 2", ">= 3", "> 3", ">= 4"], ["<= 3", "< 3"])])
def test_two_limits_leave_room_or_are_refused(lower: str, upper: str) -> None:
    """Beside every half from 0 to 10: a stride may be one."""
    halves = [Fraction(number, 2) for number in range(20)]
    room = any(eval(f"x {lower} and x {upper}", {"x": x}) for x in halves)  # noqa: S307
    if room:
        assert len(parse_limits(f"{upper} and {lower}", "stride")) == 2
    else:
        with pytest.raises(QuantityError, match="nothing can be"):
            parse_limits(f"{upper} and {lower}", "stride")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("macs", "'macs' alone is no limit; write '<= 60M'"),
        ("macs 60M", "write '<= 60M' or '>= 60M'"),
        ("macs == 60M", "write '<= 60M' or '>= 60M', or the exact figure alone"),
        ("macs =< 60M", "write '<= 60M'"),
        ("macs \N{LESS-THAN OR EQUAL TO} 60M", "write '<= 60M'"),
        ("macs <= 60M or params <= 3", "join limits by 'and'"),
        ("macs <= 60M, params <= 3", "join limits by 'and'"),
        ("mac <= 60M", "there is no figure 'mac'; did you mean 'macs'?"),
        ("latency <= 3", "it may be params, buffers"),
        ("<= 60M", "names no figure; write 'macs <= 60M'"),
        ("memory.inference_peak <= 24", "'24' has no unit"),
        ("macs <= 3 and macs", "'macs' alone is no limit"),
    ],
)
def test_what_is_no_limit(text: str, hint: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_figure_limits(text)
    assert hint in str(caught.value)


@pytest.mark.parametrize("figure", FIGURES)
def test_the_schema_takes_the_limits_that_are_read(figure: str) -> None:
    good = ["3", "3.5", ".5", "60M", "60 k", "8MiB", "300 KiB", "7B", "2kB"]
    quantities = [*good, "-3", "1e3", "3x", "", "60m", "1.", "3 3"]
    relations = ["<=", ">=", "<", ">", "=<", "==", "", "< =", "<> "]
    texts = [f"{relation}{space}{q}" for relation in relations for space in ("", " ") for q in quantities]
    texts += [f"> 1{q[-1:]} and {text}" for q in quantities for text in texts[:4]]
    pattern = re.compile(limit_pattern(figure), re.ASCII)
    taken = 0
    for text in [*texts, example(figure)]:
        try:
            parse_limits(text, figure)
        except QuantityError as error:
            if "nothing can be" in str(error) or "in one direction" in str(error):
                continue  # no pattern compares numbers
            assert not pattern.search(text), text
        else:
            assert pattern.search(text), text
            taken += 1
    assert taken >= 8
