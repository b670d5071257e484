"""Transposed convolution: the same kernel, in the other direction."""

from __future__ import annotations

from fractions import Fraction

from archlab.explain.matrix import linear_map
from archlab.explain.section import Section, Step
from archlab.explain.subject import Subject


def transposed_section(subject: Subject) -> Section | None:
    """What it is the transpose of, and how evenly its kernels overlap."""
    if not subject.is_transposed:
        return None
    section = Section("transposed", "transposed convolution", "Dumoulin & Visin 2016, section 4; Odena et al. 2016")
    section.notes.append(
        "Each input value adds one scaled kernel to the output, stride positions further on: what a convolution "
        "does in its backward pass. Its MACs are counted at input positions."
    )
    stride, kernel = subject.per_axis("stride", 1), subject.kernel
    if len(set(zip(stride, kernel, strict=True))) == 1:
        section.steps.append(
            Step(
                "kernels over a place", "kernel / stride", f"{kernel[0]} / {stride[0]}",
                Fraction(kernel[0], stride[0]), "on average, along an axis",
            )
        )  # fmt: skip
    section.notes.append(_overlap(subject))
    return section


def _overlap(subject: Subject) -> str:
    found = linear_map(subject.layer, subject.inputs[0])
    if found is None:
        return ""
    counts = [sorted({len(taps) for taps in _interior(axis)}) for axis in found.axes]
    if all(len(axis) == 1 for axis in counts):
        return "Away from the border each output gets equally many values: no checkerboard."
    which = next(axis for axis in counts if len(axis) > 1)
    low, high = which[0], which[-1]
    return (
        f"Uneven: outputs get {low} to {high} values along an axis, since the stride does not divide the kernel. "
        "Such a map tends to a checkerboard; a kernel that is a multiple of the stride avoids it."
    )


def _interior(axis: list[list[tuple[int, int]]]) -> list[list[tuple[int, int]]]:
    """Without the borders, where fewer kernels reach."""
    most = max(len(taps) for taps in axis)
    reach = [place for place, taps in enumerate(axis) if len(taps) == most]
    return axis[reach[0] : reach[-1] + 1] if reach else axis
