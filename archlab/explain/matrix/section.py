"""The section that shows a layer as a matrix."""

from __future__ import annotations

from math import prod

from archlab.explain.matrix.draw import draw_axis, draw_block, draw_groups, draw_kernel, drawable
from archlab.explain.matrix.linear_map import POOLS, LinearMap, linear_map
from archlab.explain.section import Section, Step, times
from archlab.explain.subject import Subject
from archlab.layers.geometry import Whole
from archlab.layers.shape import AXIS_NAMES, shape_text

SOURCE = "Dumoulin & Visin 2016, section 4"
MOST_TAPS = 500_000
"""Positions times taps along an axis of a matrix that is looked at, position by position."""


def matrix_section(subject: Subject) -> Section | None:
    """Size, non-zeros and, where it is small, the matrix itself; None if the layer is no matrix."""
    if len(subject.weight) == 2:
        return _dense(subject)
    if len(subject.inputs) != 1:
        return None
    if subject.is_map_to_map and max(_taps_along(subject, axis) for axis in range(subject.rank)) > MOST_TAPS:
        return _too_large(subject) if subject.is_convolution or subject.layer.type in POOLS else None
    found = linear_map(subject.layer, subject.inputs[0])
    if found is None:
        return None
    section = Section("matrix", "as a matrix on the flattened input", SOURCE)
    section.steps += _steps(found)
    section.notes += [_what(subject, found), *_padding_products(subject, found)]
    parts: list[str] = []
    if found.groups > 1 and found.kind == "weights":
        parts.append(_groups(found))
    parts.append(_drawing(subject, found))
    section.drawing = "\n\n".join(part for part in parts if part)
    section.data = {
        "matrix": {
            "rows": found.rows,
            "columns": found.columns,
            "nonzeros": found.nonzeros,
            "sparsity": found.sparsity,
            "weights": subject.weight_elements,
        }
    }
    return section


def _taps_along(subject: Subject, axis: int) -> int:
    """Positions times what one of them reads, or is read by, along an axis."""
    reads, size = subject.reads[axis], subject.inputs[0][1 + axis]
    if subject.is_transposed:
        return size * subject.kernel[axis]
    return subject.output[1 + axis] * (size if isinstance(reads, Whole) else reads.most_taps)


def _too_large(subject: Subject) -> Section:
    section = Section("matrix", "as a matrix on the flattened input", SOURCE)
    section.steps += [
        Step("rows", "output elements", times(*subject.output), prod(subject.output)),
        Step("columns", "input elements", times(*subject.inputs[0]), prod(subject.inputs[0])),
    ]
    section.notes.append("Its entries are not counted: the kernel and the map are too large.")
    return section


def _padding_products(subject: Subject, found: LinearMap) -> list[str]:
    """Multiply-accumulates that the matrix does not have."""
    more = subject.report.macs // subject.batch - found.nonzeros
    if found.kind != "weights" or more <= 0 or getattr(subject.layer, "padding_mode", "zeros") != "zeros":
        return []
    what = "products that the padding cuts off" if found.transposed else "products with the zeros of the padding"
    return [f"The MACs are {more:,} more: they count {what}, too."]


def _steps(found: LinearMap) -> list[Step]:
    blocks, (out_block, in_block) = found.groups, found.block
    one = found.nonzeros // (blocks * out_block * in_block)
    channels = f"{blocks} x {out_block} x {in_block}" if blocks > 1 else f"{out_block} x {in_block}"
    pairs = "groups x output x input channels of one" if blocks > 1 else "output x input channels"
    name = "not zero"
    if found.kind != "weights":
        pairs, channels = "channels", str(blocks)
        name = "candidates" if found.kind == "max" else name
    share = f"{found.sparsity:.2%} zeros" if found.sparsity < 0.9999 else "more than 99.99% zeros"
    return [
        Step("rows", "output elements", times(*found.outputs), found.rows),
        Step("columns", "input elements", times(*found.inputs), found.columns),
        Step(name, f"{pairs} x taps inside the map", f"{channels} x {one:,}", found.nonzeros, share),
    ]


def _what(subject: Subject, found: LinearMap) -> str:
    if found.kind != "weights" and found.nonzeros == found.rows == found.columns:
        return "Each row holds a single 1: the output is the input."
    if found.kind == "mean":
        return "Each row averages: what stands in it adds up to 1, or less where zeros of the padding count."
    if found.kind == "max":
        return "Not linear: each row picks the largest of its candidates ('?'), other ones for other inputs."
    if subject.is_transposed:
        return (
            "The transpose of a convolution's matrix with these options, from the output's size to the input's: "
            "each column (not row) holds one kernel, and rows get what reaches them."
        )
    weights = subject.weight_elements
    return f"Each row holds one kernel, shifted: {weights:,} different weights make {found.nonzeros:,} entries."


def _dense(subject: Subject) -> Section:
    rows, columns = subject.weight
    section = Section("matrix", "as a matrix on the input", "")
    section.steps.append(Step("not zero", "out_features x in_features", times(rows, columns), rows * columns))
    section.notes.append("Dense: every output reads every input, and no weight is used twice.")
    entries = rows * columns
    section.data = {
        "matrix": {"rows": rows, "columns": columns, "nonzeros": entries, "sparsity": 0.0, "weights": entries}
    }
    return section


def _groups(found: LinearMap) -> str:
    out_block, in_block = found.block
    head = f"channels: {found.groups} blocks on the diagonal, each from {in_block} to {out_block}"
    return f"{head} (# a block of the matrix, . zeros)\n{draw_groups(found)}"


def _drawing(subject: Subject, found: LinearMap) -> str:
    if found.kind != "weights" and found.nonzeros == found.rows == found.columns:
        return ""
    shown = drawable(subject.layer, subject.inputs[0])
    if shown is None:
        alone = f"along the {AXIS_NAMES[subject.rank][-1]}{' alone' if subject.rank > 1 else ''}"
        head = f"{alone}, upper left corner (numbers: the kernel's taps)"
        return f"{head}\n{draw_axis(found.axes[-1], found.inputs[-1])}"
    small, example = shown
    before, after = shape_text(small.inputs[1:]), shape_text(small.outputs[1:])
    size = f"length {before} to {after}" if subject.rank == 1 else f"{before} map to {after}"
    article = ("", "") if subject.rank == 1 else (" a", " the")
    head = f"one channel to one channel, {f'an example with{article[0]}' if example else f'from{article[1]}'} {size}"
    if example and hasattr(subject.layer, "output_size"):
        head += " (output_size made smaller)" if small.outputs[1:] != subject.output[1:] else ""
    kernel = tuple(map(int, subject.kernel)) if subject.is_convolution else (1,) * subject.rank
    matrix = draw_block(small, kernel)
    if small.kind != "weights":
        return f"{head}\n{matrix}"
    sides = " (slices side by side)" if subject.rank == 3 and kernel[0] > 1 else ""
    return f"kernel{sides}\n{draw_kernel(kernel)}\n\n{head}\n{matrix}"
