"""Offsets of a deformable convolution, made up so that there is something to see: in a network the data decide."""

from __future__ import annotations

from fractions import Fraction
from hashlib import sha256
from itertools import product
from math import floor

from archlab.explain.drawing.geometry import Position, Sight
from archlab.layers.geometry import largest_reach

LARGEST = Fraction(5, 4)
"""Positions that a tap moves at most along an axis, where nothing bounds it more tightly."""
STEPS = 5
"""Into which an offset may fall, on either side of zero."""

Point = tuple[Fraction, ...]
"""Between positions, along each axis."""


def offsets(sight: Sight, unit: Position) -> list[Point]:
    """How far each tap moves for a unit, in the order of `Sight.taps`; the same each time."""
    reach = largest_reach(tuple([axis.reads for axis in sight.axes]))
    most = min(LARGEST, Fraction(reach).limit_denominator(64)) if reach < LARGEST else LARGEST
    return [_offset(unit, tap, most) for _, tap in sight.taps(unit)]


def _offset(unit: Position, tap: Position, most: Fraction) -> Point:
    digest = sha256(repr((unit, tap)).encode()).digest()
    return tuple([most * (digest[axis] % (2 * STEPS + 1) - STEPS) / STEPS for axis in range(len(tap))])


def moved(sight: Sight, unit: Position) -> list[Point]:
    """Where the taps lie for a unit, each moved by its offset."""
    taps = [place for place, _ in sight.taps(unit)]
    pairs = zip(taps, offsets(sight, unit), strict=True)
    return [tuple([at + by for at, by in zip(place, offset, strict=True)]) for place, offset in pairs]


def sampled(sight: Sight, point: Point) -> list[Position]:
    """The positions inside the map that a value between them is made of: up to two along each axis."""
    sizes = [axis.size for axis in sight.axes]
    around = [{floor(at), floor(at) + (at.denominator > 1)} for at in point]
    inside = [sorted(at for at in places if 0 <= at < size) for places, size in zip(around, sizes, strict=True)]
    return list(product(*inside))
