"""One figure of a network by its name, with what is not known of it."""

from __future__ import annotations

from fractions import Fraction
from math import inf
from typing import NamedTuple

from archlab.analysis.receptive_field.axis_field import AxisField
from archlab.analysis.result import Analysis

Value = int | Fraction | float
"""A float is infinity: a field that sees the whole of any input."""

DEPLOYED = ("int8", "float16")
"""Dtypes of a deployed network whose figures have names of their own: `int8.ram`."""

_BOUND_BY = {"memory.params": "params", "memory.buffers": "buffers", "memory.flash": "params"}
"""Figures of memory that follow from another number; the others are lower bounds where opaque layers keep more."""


class Range(NamedTuple):
    """A figure, or a field along one axis.

    Attributes:
        least: of all units, or of what is known.
        most: of all units; infinity where it is not known.
        shown: the value that tables show; None where it is not known.
    """

    least: Value
    most: Value
    shown: Value | None

    @property
    def is_open(self) -> bool:
        """Whether it may be more than what is known."""
        return self.least < self.most == inf


NOTHING_KNOWN = Range(0, inf, None)


class Figure(NamedTuple):
    """What is known of a figure.

    Attributes:
        ranges: of a sum one; of a field one along each axis.
        unknown: why one of them is open; empty where none is.
    """

    ranges: tuple[Range, ...]
    unknown: str = ""


def figure_of(analysis: Analysis, name: str) -> Figure:
    """A figure under the analysis' conditions.

    Args:
        analysis: of the network.
        name: as JSON has it under `total`: `macs`, `memory.inference_peak`, `receptive_field`, `stride`.
    """
    dtype, _, part = name.partition(".")
    if dtype in DEPLOYED:
        return figure_of(analysis.deployed(dtype), f"memory.{part}")
    if name == "stride":
        return _stride(analysis)
    if name == "receptive_field":
        return _field(analysis)
    if name == "memory.training_peak" and analysis.training is None:
        assert analysis.refusal is not None
        return Figure((NOTHING_KNOWN,), f"there is no training step: {analysis.refusal.reason}")
    if name == "memory.arena":
        return _arena(analysis)
    value, number = _total(analysis, name)
    if analysis.total.is_bound(number):
        what = "what it keeps" if number == "memory" else f"its {number}"
        return Figure((Range(value, inf, None),), f"an opaque layer does not declare {what}")
    return Figure((Range(value, value, value),))


def _arena(analysis: Analysis) -> Figure:
    arena = analysis.arena
    if arena is None:
        return Figure((NOTHING_KNOWN,), "an arena is of a deployed network in int8; name the figure int8.arena")
    if arena.size is None:
        return Figure((NOTHING_KNOWN,), arena.unknown)
    return Figure((Range(arena.size, arena.size, arena.size),))


def _total(analysis: Analysis, name: str) -> tuple[int, str]:
    """A sum or a peak, and the number that opaque layers may leave unknown of it."""
    if not name.startswith("memory."):
        return getattr(analysis.total, name), name
    number = _BOUND_BY.get(name, "memory")
    if name == "memory.training_peak":
        assert analysis.training is not None
        return analysis.training.peak, number
    return getattr(analysis.total.memory, name.removeprefix("memory.")), number


def _stride(analysis: Analysis) -> Figure:
    field = analysis.total.receptive_field
    ranges = [NOTHING_KNOWN if axis is None else Range(axis.stride, axis.stride, axis.stride) for axis in field.axes]
    return Figure(tuple(ranges), "there is none where every unit sees the whole input" if None in field.axes else "")


def _field(analysis: Analysis) -> Figure:
    field, bounded = analysis.total.receptive_field, analysis.bounded_field
    if field.is_nothing:
        return Figure((NOTHING_KNOWN,) * len(field.axes), "the first result does not depend on the first input")
    if field.unknown and None in field.axes:
        reason = "a layer on the way does not say what it reads"
    else:
        reason = "a deformable layer's offsets have no bound" if field.adaptive and bounded is None else ""
    whole = NOTHING_KNOWN if field.unknown else Range(inf, inf, inf)
    ranges: list[Range] = []
    for index, axis in enumerate(field.axes):
        if axis is None:
            ranges.append(whole)
        elif field.adaptive:  # from the regular grid's to that at the largest offsets
            ranges.append(_wider(axis, None if bounded is None else bounded.axes[index]))
        else:
            ranges.append(Range(axis.sizes[0], axis.sizes[-1], axis.sizes[-1]))
    return Figure(tuple(ranges), reason)


def _wider(axis: AxisField, widest: AxisField | None) -> Range:
    return Range(axis.sizes[0], inf if widest is None else widest.sizes[-1], axis.sizes[-1])
