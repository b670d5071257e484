"""Numbers for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from archlab.analysis.receptive_field.axis_field import AxisField
from archlab.analysis.receptive_field.fields import Misalignment, ReceptiveField

_SI = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
_BINARY = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
EXACT = "exact"
"""All digits, in place of a unit."""


class Units(NamedTuple):
    """In which units counts and bytes are written; empty where each number has the one that suits it.

    Attributes:
        counts: `k`, `M`, `G`, `T` or `exact`.
        sizes: `KiB`, `MiB`, `GiB`, `TiB` or `exact`.
    """

    counts: str = ""
    sizes: str = ""


_SUITABLE = Units()
_units: ContextVar[Units] = ContextVar("units", default=_SUITABLE)


@contextmanager
def in_units(units: Units) -> Iterator[None]:
    """Write numbers in these units in what follows."""
    token = _units.set(units)
    try:
        yield
    finally:
        _units.reset(token)


def read_units(text: str) -> Units:
    """`M`, `GiB`, `M,MiB` or `exact`.

    Raises:
        ValueError: for what is no unit.
    """
    counts, sizes = ({unit.lower(): unit for _, unit in units} for units in (_SI, _BINARY))
    found = Units()
    for word in text.split(","):
        name = word.strip().lower()
        if name == EXACT:
            found = Units(EXACT, EXACT)
        elif name in counts:
            found = found._replace(counts=counts[name])
        elif name in sizes:
            found = found._replace(sizes=sizes[name])
        else:
            hint = f"; bytes are counted in {sizes[f'{name[0]}ib']}" if f"{name[:1]}ib" in sizes else ""
            raise ValueError(
                f"'{word}' is no unit{hint}; write k, M, G or T of counts, KiB, MiB, GiB or TiB of bytes, or exact"
            )
    return found


def count(value: int) -> str:
    """Elements of tensors: all digits, unless a unit is asked for."""
    return si(value) if _units.get().counts else f"{value:,}"


def si(value: int) -> str:
    """`4,089,184,256` as `4.089 G`: four significant digits, powers of 1000."""
    return _si(value, _units.get().counts)


def binary(value: int) -> str:
    """Bytes in powers of 1024."""
    return _binary(value, _units.get().sizes)


@lru_cache(maxsize=4096)  # long tables have few different numbers
def _si(value: int, unit: str) -> str:
    return f"{value:,}" if unit == EXACT else _in_unit(value, _SI, unit) or str(value)


@lru_cache(maxsize=4096)
def _binary(value: int, unit: str) -> str:
    return f"{value:,} B" if unit == EXACT else _in_unit(value, _BINARY, unit) or f"{value} B"


def _in_unit(value: int, units: Sequence[tuple[int, str]], chosen: str) -> str:
    """A number in one unit, or in the largest that leaves something in front of its point; empty below all of them."""
    for factor, unit in units:
        if unit == chosen:
            return f"{_few(value / factor)} {unit}"
        if not chosen and abs(value) >= factor:
            return f"{_significant(value / factor)} {unit}"
    return ""


def _few(value: float) -> str:
    """Four significant digits, also below one; whole thousands in groups."""
    return f"{value:.4g}" if 0 < abs(value) < 0.1 else f"{value:,.{_digits(value)}f}"


def duration(seconds: float) -> str:
    """Seconds with four significant digits: `3.231 ms`."""
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= factor:
            return f"{_significant(seconds / factor)} {unit}"
    return f"{_significant(seconds / 1e-9)} ns"


def _significant(value: float) -> str:
    return f"{value:.{_digits(value)}f}"


def _digits(value: float) -> int:
    return 3 if abs(value) < 10 else 2 if abs(value) < 100 else 1


def by_axis(texts: Iterable[str], between: str = "x") -> str:
    """`15x9`: a text for each axis; one where all are equal."""
    found = list(texts)
    return found[0] if len(set(found)) == 1 else between.join(found)


def axes_text(values: Iterable[Any]) -> str:
    """A number or a text for each axis, one where all are equal: `2`, `15, 9`; `-` for None."""
    return by_axis(
        ["-" if value is None else f"{value:g}" if isinstance(value, float) else str(value) for value in values], ", "
    )


def set_text(values: Sequence[int]) -> str:
    """`7`, `{3, 5}`; `34..64` of many; `?` of none, where it is not known."""
    if not values:
        return "?"
    if len(values) == 1:
        return str(values[0])
    return "{" + ", ".join(map(str, values)) + "}" if len(values) <= 3 else f"{values[0]}..{values[-1]}"


def percent_text(share: float | None) -> str:
    """`97%`; `?` where it is not known."""
    return "?" if share is None else f"{share:.0%}"


def field_text(field: ReceptiveField) -> str:
    """`427`, `15x9` or `{3, 5}`; with the share read where there are holes; `global`, or `unknown`."""
    if field.is_nothing:
        return "-"
    if not any(field.axes):
        return "unknown" if field.unknown else "global"
    whole = "?" if field.unknown else "all"
    return " ".join(
        [by_axis([whole if axis is None else _axis_text(axis) for axis in field.axes]), *field_marks(field)]
    )


def field_marks(field: ReceptiveField) -> list[str]:
    """What is to be said beside the size: `+context`, `adaptive`, `misaligned by 8`."""
    apart = field.misalignment
    marks = [mark for mark, applies in (("+context", field.context), ("adaptive", field.adaptive)) if applies]
    return marks if apart is None else [*marks, f"misaligned by {_distance(apart.largest)}"]


def misalignment_text(apart: Misalignment) -> str:
    """`up to 24 input positions apart, 16 in the mean`; `8 input positions apart` where all are."""
    largest, mean = _distance(apart.largest), _distance(apart.mean)
    positions = "position" if largest == "1" else "positions"
    if apart.largest == apart.mean:
        return f"{largest} input {positions} apart"
    return f"up to {largest} input {positions} apart, {mean} in the mean"


def _distance(values: tuple[Fraction, ...]) -> str:
    """`24`, `2.5`, `7x0`: along each axis."""
    return by_axis([f"{float(value):.2f}".rstrip("0").rstrip(".") for value in values])


def largest_text(field: ReceptiveField) -> str:
    """The largest size alone: `236` or `15x9`."""
    whole = "?" if field.unknown else "all"
    return by_axis([whole if axis is None else str(axis.sizes[-1]) for axis in field.axes])


def _axis_text(axis: AxisField) -> str:
    text = set_text(axis.sizes)
    coverage = axis.coverage
    return text if coverage is None or coverage == 1 else f"{text} ({coverage:.0%} read)"


def stride_text(field: ReceptiveField) -> str:
    """`32` or `2x1`; empty for a field that is global or unknown."""
    if field.is_nothing or not any(field.axes):
        return ""
    return by_axis(["-" if axis is None else str(axis.stride) for axis in field.axes])


def start_text(field: ReceptiveField) -> str:
    """The first position that the first unit sees; `-` if it sees nothing, `?` where that is not known."""
    whole = "?" if field.unknown else "0"
    starts = [whole if axis is None else "-" if axis.start is None else str(axis.start) for axis in field.axes]
    return by_axis(starts, ", ")
