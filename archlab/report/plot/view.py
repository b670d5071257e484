"""Which part of the plane a map shows, and what is read there."""

from __future__ import annotations

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
    """

    box: Box
    field: Box
    input: Box

    @property
    def is_close(self) -> bool:
        """Whether the input is larger than the picture."""
        return self.box[0] > self.input[0] or self.box[1] < self.input[1]

    @property
    def cuts_field(self) -> bool:
        """Whether the theoretical field is larger than the picture."""
        box, field = self.box, self.field
        return box[0] > field[0] or box[1] < field[1] or box[2] > field[2] or box[3] < field[3]


def view_of(report: FieldReport) -> View:
    """A square around the field and the input, or around the field alone if that is small."""
    extents = report.analysis.graph.input_shape[1:]
    (top, bottom), (left, right) = report.spans
    field = (left - 0.5, right + 0.5, top - 0.5, bottom + 0.5)
    whole = (-0.5, extents[1] - 0.5, -0.5, extents[0] - 0.5)
    size = max(right - left, bottom - top) + 1
    if size < SMALL * min(extents):
        x, y, reach = (left + right) / 2, (top + bottom) / 2, 0.92 * size
    else:
        x, y = (extents[1] - 1) / 2, (extents[0] - 1) / 2
        far = max(abs(field[0] - x), abs(field[1] - x), abs(field[2] - y), abs(field[3] - y), max(extents) / 2)
        reach = min(1.06 * far, max(WIDEST * max(extents), LEAST) / 2)
    return View((x - reach, x + reach, y - reach, y + reach), field, whole)


def product_grid(field: EffectiveField) -> tuple[Grid, Box]:
    """The estimate over the image, its largest weight 1: the outer product of the axes, and where it lies."""
    height, width = (binned(np.asarray(axis.weights)) for axis in field.axes)
    grid: Grid = np.outer(height.mean(axis=1), width.mean(axis=1))
    return grid / grid.max(), (*_edges(field.axes[1].first, width), *_edges(field.axes[0].first, height))


def binned(values: NDArray[T]) -> NDArray[T]:
    """A row of values as one of bins, each no wider than a pixel where there are more of them than pixels."""
    size = -(-len(values) // MOST_BINS)
    return np.pad(values, (0, -len(values) % size)).reshape(-1, size)


def _edges(first: int, binned: NDArray[Any]) -> tuple[float, float]:
    return first - 0.5, first + binned.size - 0.5


def read_grid(report: FieldReport) -> tuple[NDArray[np.bool_], Box]:
    """Whether anything is read in each place of the unit's field, and where that lies."""
    height, width = (binned(read_flags(report, axis)) for axis in (0, 1))
    (top, _), (left, _) = report.spans
    return np.outer(height.any(axis=1), width.any(axis=1)), (*_edges(left, width), *_edges(top, height))


def measured_grid(rows: list[list[float]]) -> tuple[Grid, Box]:
    """A measured map, and where it lies: over the input.

    1 is what 99.5 % of the positions stay below: a few samples have single bright positions that would
    leave all else pale.
    """
    grid: Grid = np.asarray(rows)
    largest = float(np.quantile(grid[grid > 0], QUANTILE))
    return np.minimum(grid / largest, 1), (-0.5, grid.shape[1] - 0.5, -0.5, grid.shape[0] - 0.5)


def interval_box(field: EffectiveField) -> Box:
    """The intervals that hold 95 % along each axis."""
    height, width = field.axes
    return (width.interval[0] - 0.5, width.interval[1] + 0.5, height.interval[0] - 0.5, height.interval[1] + 0.5)


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
