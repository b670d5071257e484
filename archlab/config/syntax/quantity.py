"""Quantities with units, in configs and on the command line: counts such as `300M`, sizes such as `8 MiB`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from archlab.diagnostics.words import one_of


class Measure(NamedTuple):
    """What is counted.

    Attributes:
        units: what one of each is; the empty one where a number may stand alone.
        wanted: what is to be written, in words.
        habits: units that people write, in lower case, and those that they may mean.
    """

    units: Mapping[str, int]
    wanted: str
    habits: Mapping[str, tuple[str, ...]] = {}


class QuantityError(ValueError):
    """A text is no quantity; the message says what to write."""


COUNT = Measure(
    {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12},
    "a number such as 250000, 300M or 1.2G",
    {"m": ("M",), "mio": ("M",), "mn": ("M",), "b": ("G",), "bn": ("G",), "ki": ("k",), "mi": ("M",), "gi": ("G",)},
)
"""Of parameters, multiply-accumulates and the like, in powers of 1000."""
BYTES = Measure(
    {
        "B": 1,
        "kB": 10**3,
        "MB": 10**6,
        "GB": 10**9,
        "TB": 10**12,
        "KiB": 2**10,
        "MiB": 2**20,
        "GiB": 2**30,
        "TiB": 2**40,
    },
    "a size such as 24GiB, 512MiB or 16GB",
)
"""Of memory, which never stands without a unit: 24 may be meant in bytes, MB or GiB."""
POSITIONS = Measure({"": 1}, "a number such as 224", {"px": ("",), "pixel": ("",), "pixels": ("",)})
"""Of an input's axis."""

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([A-Za-z]*)\Z", re.ASCII)
_MOST_DIGITS = 15


def parse_quantity(text: str, measure: Measure) -> Fraction:
    """`1.2G`, `300 KiB` or `224` as a number, exactly.

    Raises:
        QuantityError: if it is none, or has no unit that is known.
    """
    found = _QUANTITY.match(text.strip())
    if found is not None and len(found.group(1).replace(".", "")) <= _MOST_DIGITS:
        number, unit = found.groups()
        if unit in measure.units:
            return Fraction(number) * measure.units[unit]
        if not unit:
            raise QuantityError(f"'{text.strip()}' has no unit; write {number}GiB, {number}MiB or {number}GB")
        near = _near(unit.lower(), measure)
        if near:
            meant = one_of([number + name for name in near])
            raise QuantityError(f"'{shortened(text.strip())}' has no unit that is known; write {meant}")
    raise QuantityError(f"must be {measure.wanted}, not '{shortened(text)}'{_plain_hint(text, measure)}")


def _near(word: str, measure: Measure) -> list[str]:
    """The units that a word in lower case may mean."""
    if word in measure.habits:
        return list(measure.habits[word])
    units = [unit for unit in measure.units if unit]
    return [unit for unit in units if word in (unit.lower(), unit.lower().rstrip("b"), unit[0].lower())]


def shortened(text: str) -> str:
    """A text as a message shows it."""
    return text if len(text) <= 60 else f"{text[:57]}..."


def _plain_hint(text: str, measure: Measure) -> str:
    """What to write for `1e6` or `1,000`."""
    plain = text.strip().replace(",", "").replace("_", "")
    if "" not in measure.units or not re.fullmatch(r"[0-9]+(\.[0-9]+)?([eE]\+?[0-9]{1,2})?", plain, re.ASCII):
        return ""
    value = float(plain)
    return f"; write {int(value)}" if value.is_integer() and value < 10**_MOST_DIGITS else ""
