"""Small matrices as text."""

from __future__ import annotations

from itertools import product
from string import ascii_letters

from archlab.explain.matrix.linear_map import AxisTaps, LinearMap, linear_map
from archlab.layers.base import Layer
from archlab.layers.shape import Shape, ShapeError

MOST_ROWS, MOST_COLUMNS = 16, 16
EXAMPLE_MAPS = ((4, 4), (4, 3), (3, 4), (3, 3), (2, 6), (2, 8), (2, 3), (2, 2), (5, 3), (1, 12))
"""Maps small enough to show; the first that the layer takes is the example."""


def drawable(layer: Layer, shape: Shape) -> tuple[LinearMap, bool] | None:
    """The layer's matrix for its own input if it is small enough, else for an example; None if none fits.

    Returns:
        The matrix, and whether it is that of an example.
    """
    small = _with_small_output(layer)
    for size, example in [(shape[1:], False), *((size, True) for size in EXAMPLE_MAPS)]:
        if size[0] * size[1] > MOST_COLUMNS:
            continue
        try:
            found = linear_map(small if example else layer, (shape[0], *size))
        except ShapeError:
            continue
        if found is not None and _letters_suffice(layer, found) and _is_telling(found, example=example):
            return found, example
    return None


def _is_telling(found: LinearMap, *, example: bool) -> bool:
    if len(found.height) * len(found.width) > MOST_ROWS:
        return False
    if not example:
        return True
    changes = found.outputs[1:] != found.inputs[1:]
    pointwise = kernel_of(found) == (1, 1)
    return (
        (len(found.width) > 1 or found.kind != "weights")
        and (found.kind == "weights" or changes)
        and (not pointwise or found.columns <= 6 * found.inputs[0])
    )


def _with_small_output(layer: Layer) -> Layer:
    """For an example: adaptive pooling to 2x2 at most."""
    sizes = getattr(layer, "output_size", None)
    if sizes is None:
        return layer
    return layer.model_copy(update={"output_size": tuple(1 if size == 1 else 2 for size in sizes)})


def _letters_suffice(layer: Layer, found: LinearMap) -> bool:
    """Whether each tap of the kernel has a letter, also those that never meet so small a map."""
    height, width = getattr(layer, "kernel_size", (1, 1))
    return found.kind != "weights" or height * width <= len(ascii_letters)


def kernel_of(found: LinearMap) -> tuple[int, int]:
    """Taps along height and width."""
    height, width = (
        1 + max((tap for taps in axis for _, tap in taps), default=0) for axis in (found.height, found.width)
    )
    return height, width


def draw_block(found: LinearMap, kernel: tuple[int, int]) -> str:
    """The matrix from one input channel to one output channel."""
    size = (len(found.height) * len(found.width), found.inputs[1] * found.inputs[2])
    cells = [["."] * size[1] for _ in range(size[0])]
    for row, column in product(range(len(found.height)), range(len(found.width))):
        line = cells[row * len(found.width) + column]
        for (y, tap_y), (x, tap_x) in product(found.height[row], found.width[column]):
            place = y * found.inputs[2] + x
            line[place] = _symbol(found, line[place], (tap_y * kernel[1] + tap_x), (row, column))
    return _grid(cells, every=found.inputs[2])


def _symbol(found: LinearMap, there: str, tap: int, unit: tuple[int, int]) -> str:
    if found.kind == "mean":
        return str(found.share(*unit))
    if found.kind == "max":
        return "?"
    letter = ascii_letters[tap]
    return letter if there == "." else f"{there}+{letter}"


def _grid(cells: list[list[str]], every: int = 0) -> str:
    """Cells of one width, with a gap after each `every` columns."""
    width = max(len(cell) for line in cells for cell in line)
    lines: list[str] = []
    for line in cells:
        words = [
            cell.rjust(width) + ("  " if every > 1 and (i + 1) % every == 0 else "") for i, cell in enumerate(line)
        ]
        lines.append(" ".join(words).rstrip())
    return "\n".join(lines)


def draw_kernel(kernel: tuple[int, int]) -> str:
    """The kernel's weights as letters."""
    height, width = kernel
    return _grid([[ascii_letters[row * width + column] for column in range(width)] for row in range(height)])


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
