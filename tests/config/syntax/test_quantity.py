"""Quantities with units: what each is, exactly, and what is said of a text that is none."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archlab.config.syntax.quantity import BYTES, COUNT, POSITIONS, Measure, QuantityError, parse_quantity


@pytest.mark.parametrize(
    ("text", "measure", "value"),
    [
        ("300M", COUNT, 300_000_000),
        ("1.2G", COUNT, 1_200_000_000),
        ("0.5M", COUNT, 500_000),
        (" 60 k ", COUNT, 60_000),
        ("2T", COUNT, 2 * 10**12),
        ("250000", COUNT, 250_000),
        ("0.1", COUNT, Fraction(1, 10)),
        ("8MiB", BYTES, 8 * 2**20),
        ("300 KiB", BYTES, 300 * 2**10),
        ("1.1 KiB", BYTES, Fraction(11264, 10)),
        (".5GiB", BYTES, 2**29),
        ("3TiB", BYTES, 3 * 2**40),
        ("16 GB", BYTES, 16 * 10**9),
        ("2kB", BYTES, 2000),
        ("7B", BYTES, 7),
        ("224", POSITIONS, 224),
        ("2.5", POSITIONS, Fraction(5, 2)),
    ],
)
def test_what_it_is_exactly(text: str, measure: Measure, value: int | Fraction) -> None:
    assert parse_quantity(text, measure) == value


@pytest.mark.parametrize(
    ("text", "measure", "message"),
    [
        ("24", BYTES, "'24' has no unit; write 24GiB, 24MiB or 24GB"),
        ("24g", BYTES, "'24g' has no unit that is known; write 24GB or 24GiB"),
        ("24gib", BYTES, "'24gib' has no unit that is known; write 24GiB"),
        ("300m", COUNT, "'300m' has no unit that is known; write 300M"),
        ("300K", COUNT, "'300K' has no unit that is known; write 300k"),
        ("7B", COUNT, "'7B' has no unit that is known; write 7G"),
        ("8MiB", COUNT, "must be a number such as 250000, 300M or 1.2G, not '8MiB'"),
        ("1,000,000", COUNT, "must be a number such as 250000, 300M or 1.2G, not '1,000,000'; write 1000000"),
        ("1e6", COUNT, "must be a number such as 250000, 300M or 1.2G, not '1e6'; write 1000000"),
        ("224px", POSITIONS, "'224px' has no unit that is known; write 224"),
        ("5k", POSITIONS, "must be a number such as 224, not '5k'"),
        ("-3", COUNT, "must be a number such as 250000, 300M or 1.2G, not '-3'"),
        ("\N{ARABIC-INDIC DIGIT THREE}M", COUNT, "must be a number"),
        ("", BYTES, "must be a size such as 24GiB, 512MiB or 16GB, not ''"),
        ("9" * 16, COUNT, "must be a number"),
        ("x" * 100, COUNT, f"not '{'x' * 57}...'"),
    ],
)
def test_what_it_is_not(text: str, measure: Measure, message: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_quantity(text, measure)
    assert message in str(caught.value)
