"""Small matrices as text."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from string import ascii_letters

from archlab.explain.matrix.linear_map import AxisTaps, LinearMap, Position, flat_index, linear_map, positions
from archlab.layers.base import Layer
from archlab.layers.shape import Shape, ShapeError, axis_count

MOST_ROWS, MOST_COLUMNS = 16, 16
EXAMPLE_MAPS = {
    1: ((8,), (9,), (7,), (6,), (10,), (12,), (16,), (4,), (3,), (2,)),
    2: ((4, 4), (4, 3), (3, 4), (3, 3), (2, 6), (2, 8), (2, 3), (2, 2), (5, 3), (1, 12)),
    3: ((2, 2, 4), (2, 2, 3), (2, 2, 2), (3, 2, 2), (1, 4, 4), (1, 3, 4), (1, 3, 3), (2, 1, 8), (2, 1, 6), (1, 1, 12)),
}
"""By number of axes: maps small enough to show; the first that the layer takes is the example."""


def drawable(layer: Layer, shape: Shape) -> tuple[LinearMap, bool] | None:
    """The layer's matrix for its own input if it is small enough, else for an example; None if none fits.

    Returns:
        The matrix, and whether it is that of an example.
    """
    small = _with_small_output(layer)
    for size, example in [(shape[1:], False), *((size, True) for size in EXAMPLE_MAPS[axis_count(shape)])]:
        if prod(size) > MOST_COLUMNS:
            continue
        try:
            found = linear_map(small if example else layer, (shape[0], *size))
        except ShapeError:
            continue
        if found is not None and _letters_suffice(layer, found) and _is_telling(found, example=example):
            return found, example
    return None


def _is_telling(found: LinearMap, *, example: bool) -> bool:
    if prod(found.outputs[1:]) > MOST_ROWS:
        return False
    if not example:
        return True
    changes = found.outputs[1:] != found.inputs[1:]
    pointwise = set(kernel_of(found)) == {1}
    return (
        (found.outputs[-1] > 1 or found.kind != "weights")
        and (found.kind == "weights" or changes)
        and (not pointwise or found.columns <= 6 * found.inputs[0])
    )


def _with_small_output(layer: Layer) -> Layer:
    """For an example: adaptive pooling to 2 positions at most along each axis."""
    sizes = getattr(layer, "output_size", None)
    if sizes is None:
        return layer
    return layer.model_copy(update={"output_size": tuple(1 if size == 1 else 2 for size in sizes)})


def _letters_suffice(layer: Layer, found: LinearMap) -> bool:
    """Whether each tap of the kernel has a letter, also those that never meet so small a map."""
    return found.kind != "weights" or prod(getattr(layer, "kernel_size", ())) <= len(ascii_letters)


def kernel_of(found: LinearMap) -> tuple[int, ...]:
    """Taps along each axis."""
    return tuple([1 + max((tap for taps in axis for _, tap in taps), default=0) for axis in found.axes])


def draw_block(found: LinearMap, kernel: tuple[int, ...]) -> str:
    """The matrix from one input channel to one output channel."""
    sizes = found.inputs[1:]
    cells: list[list[str]] = []
    for unit in positions(found.outputs[1:]):
        line = ["."] * prod(sizes)
        for read, taps in found.reads(unit):
            place = flat_index(read, sizes)
            line[place] = _symbol(found, line[place], flat_index(taps, kernel), unit)
        cells.append(line)
    return _grid(cells, [prod(sizes[axis:]) for axis in range(1, len(sizes))])


def _symbol(found: LinearMap, there: str, tap: int, unit: Position) -> str:
    if found.kind == "mean":
        return str(found.share(unit))
    if found.kind == "max":
        return "?"
    letter = ascii_letters[tap]
    return letter if there == "." else f"{there}+{letter}"


def _grid(cells: list[list[str]], every: Sequence[int] = ()) -> str:
    """Cells of one width, with a gap after each so many columns: of two such numbers, a wider one after both."""
    width = max(len(cell) for line in cells for cell in line)
    gaps = ["  " * sum(size > 1 and (i + 1) % size == 0 for size in every) for i in range(len(cells[0]))]
    lines = [" ".join([cell.rjust(width) + gap for cell, gap in zip(line, gaps, strict=True)]) for line in cells]
    return "\n".join([line.rstrip() for line in lines])


def draw_kernel(kernel: tuple[int, ...]) -> str:
    """The kernel's weights as letters, of three axes slice beside slice."""
    depth, height, width = (1,) * (3 - len(kernel)) + kernel
    cells = [
        [ascii_letters[(slice_ * height + row) * width + column] for slice_ in range(depth) for column in range(width)]
        for row in range(height)
    ]
    return _grid(cells, [width] if depth > 1 else [])


def draw_axis(taps: AxisTaps, size: int) -> str:
    """The upper left corner of the matrix along one axis, the taps as numbers."""
    columns = min(size, MOST_COLUMNS)
    reaching = [row for row in taps[:8] if any(place < columns for place, _ in row)]
    cells = [["."] * columns for _ in reaching]
    for line, row in zip(cells, reaching, strict=True):
        for place, tap in row:
            if place < columns:
                line[place] = str(tap)
    return _grid(cells)


def draw_groups(found: LinearMap) -> str:
    """Which input channels (columns) each output channel (row) reads, as blocks."""
    shown = min(found.groups, 8)
    out_block, in_block = found.block
    small = found.groups * max(out_block, in_block) <= MOST_ROWS
    height, width = (out_block, in_block) if small else (1, 1)
    count = found.groups if small else shown
    cells = [
        ["#" if row // height == column // width else "." for column in range(count * width)]
        for row in range(count * height)
    ]
    if count < found.groups:
        cells = [[*line, "..."] for line in cells] + [["..."] * (count * width + 1)]
        return "\n".join(" ".join(line) for line in cells[:-1]) + "\n..."
    return _grid(cells)
