"""Which part of a plane a map shows, and what is read there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from archlab.analysis.receptive_field.effective import EffectiveField
from archlab.analysis.receptive_field.spans import DENSE, UNTRACKED
from archlab.report.field import FieldReport

Grid = NDArray[np.float64]
Box = tuple[float, float, float, float]
"""Left, right, top, bottom edge; position `p` reaches from `p - 0.5` to `p + 0.5`."""

Plane = tuple[int, ...]
"""The axes that a map shows, down and across; the only one of one axis, across."""
PLANES: dict[int, tuple[Plane, ...]] = {1: ((0,),), 2: ((0, 1),), 3: ((1, 2), (0, 2), (0, 1))}
"""By number of axes: the maps that show all of them."""

SMALL = 0.3
"""A field below this share of the input is drawn large, and the input around it as an inset."""
LEAST = 64
"""Positions that a picture may show however small the input is."""
QUANTILE = 0.995
"""Of a measured map's positive weights: what is drawn as 1."""
WIDEST = 2.4
"""How many times the input's size a picture shows at most."""
MOST_BINS = 1_024
"""Rows and columns of a map; where there are more positions, several share one."""
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class View:
    """What a map shows.

    Attributes:
        box: of the picture.
        field: of the theoretical field.
        input: of the input.
        plane: its axes.
    """

    box: Box
    field: Box
    input: Box
    plane: Plane

    def along(self, box: Box, axis: int) -> tuple[float, float]:
        """The edges of a box along one of the plane's axes."""
        return box[:2] if axis == self.plane[-1] else box[2:]

    @property
    def is_close(self) -> bool:
        """Whether the input is larger than the picture."""
        return self.box[0] > self.input[0] or self.box[1] < self.input[1]

    @property
    def cuts_field(self) -> bool:
        """Whether the theoretical field is larger than the picture."""
        box, field = self.box, self.field
        return box[0] > field[0] or box[1] < field[1] or box[2] > field[2] or box[3] < field[3]


def view_of(report: FieldReport, plane: Plane = (0, 1)) -> View:
    """A square around the field and the input, or around the field alone if that is small; a band of one axis."""
    extents = [1, *[report.analysis.graph.input_shape[1 + axis] for axis in plane]][-2:]
    (top, bottom), (left, right) = [(0, 0), *[report.spans[axis] for axis in plane]][-2:]
    field = (left - 0.5, right + 0.5, top - 0.5, bottom + 0.5)
    whole = (-0.5, extents[1] - 0.5, -0.5, extents[0] - 0.5)
    size = max(right - left, bottom - top) + 1
    is_band = len(plane) == 1
    if size < SMALL * (extents[1] if is_band else min(extents)):
        x, y, reach = (left + right) / 2, (top + bottom) / 2, 0.92 * size
    else:
        x, y = (extents[1] - 1) / 2, (extents[0] - 1) / 2
        far = max(abs(field[0] - x), abs(field[1] - x), abs(field[2] - y), abs(field[3] - y), max(extents) / 2)
        reach = min(1.06 * far, max(WIDEST * max(extents), LEAST) / 2)
        if len(report.spans) > len(plane) > 1:  # of three axes, the depth is often short
            height = min(reach, 1.06 * max(abs(field[2] - y), abs(field[3] - y), (extents[0] + 1) / 2))
            return View((x - reach, x + reach, y - height, y + height), field, whole, plane)
    sides = (-0.5, 0.5) if is_band else (y - reach, y + reach)
    return View((x - reach, x + reach, *sides), field, whole, plane)


def product_grid(field: EffectiveField, plane: Plane = (0, 1)) -> tuple[Grid, Box]:
    """The estimate over a plane, its largest weight 1: the outer product of the axes, and where it lies."""
    weights = [np.ones((1, 1)), *[binned(np.asarray(field.axes[axis].weights)) for axis in plane]][-2:]
    grid: Grid = np.outer(*[one.mean(axis=1) for one in weights])
    return grid / grid.max(), _box([field.axes[axis].first for axis in plane], weights)


def binned(values: NDArray[T]) -> NDArray[T]:
    """A row of values as one of bins, each no wider than a pixel where there are more of them than pixels."""
    size = -(-len(values) // MOST_BINS)
    return np.pad(values, (0, -len(values) % size)).reshape(-1, size)


def _box(firsts: list[int], binned: Sequence[NDArray[Any]]) -> Box:
    """Where a map lies, from the first position along each of its axes."""
    (top, down), (left, across) = zip([0, *firsts][-2:], binned, strict=True)
    return (*_edges(left, across), *_edges(top, down))


def _edges(first: int, binned: NDArray[Any]) -> tuple[float, float]:
    return first - 0.5, first + binned.size - 0.5


def read_grid(report: FieldReport, plane: Plane = (0, 1)) -> tuple[NDArray[np.bool_], Box]:
    """Whether anything is read in each place of the unit's field, and where that lies."""
    flags = [np.ones((1, 1), dtype=np.bool_), *[binned(read_flags(report, axis)) for axis in plane]][-2:]
    down, across = (one.any(axis=1) for one in flags)
    read: NDArray[np.bool_] = np.outer(down, across)
    return read, _box([report.spans[axis][0] for axis in plane], flags)


def measured_grid(shares: list[Any], plane: Plane = (0, 1)) -> tuple[Grid, Box]:
    """A measured map, and where it lies: over the input; of three axes, the sum along the third.

    1 is what 99.5 % of the positions stay below: a few samples have single bright positions that would
    leave all else pale.
    """
    found: Grid = np.asarray(shares)
    grid: Grid = np.atleast_2d(found.sum(axis=tuple({*range(found.ndim)} - {*plane})))
    largest = float(np.quantile(grid[grid > 0], QUANTILE))
    return np.minimum(grid / largest, 1), (-0.5, grid.shape[1] - 0.5, -0.5, grid.shape[0] - 0.5)


def interval_box(field: EffectiveField, plane: Plane = (0, 1)) -> Box:
    """The intervals that hold 95 % along each axis."""
    (top, bottom), (left, right) = [(0, 0), *[field.axes[axis].interval for axis in plane]][-2:]
    return (left - 0.5, right + 0.5, top - 0.5, bottom + 0.5)


def read_flags(report: FieldReport, axis: int) -> NDArray[np.bool_]:
    """Whether each position of the unit's interval is read, along an axis."""
    first, last = report.spans[axis]
    field = report.field.axes[axis]
    count = last - first + 1
    mask = DENSE if field is None else field.span(report.unit[axis])[2]
    if mask in (DENSE, UNTRACKED):
        return np.ones(count, dtype=np.bool_)
    packed = np.frombuffer(mask.to_bytes(-(-count // 8), "little"), dtype=np.uint8)
    return np.unpackbits(packed, count=count, bitorder="little").astype(np.bool_)
