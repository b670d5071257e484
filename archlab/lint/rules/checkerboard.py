"""Transposed convolutions whose kernels overlap unevenly."""

from __future__ import annotations

from collections.abc import Iterator

from archlab.diagnostics.codes import RuleName
from archlab.layers.geometry import Phases, Reads
from archlab.lint.rule import Finding, Rule, Subject, at


def _find(subject: Subject) -> Iterator[Finding]:
    for node in subject.graph.layers:
        if node.layer.role != "weighted":
            continue
        counts = [overlaps(reads) for reads in subject.reads[node.index][0]]
        if any(min(axis) != max(axis) for axis in counts):
            fewest, most = _product([min(axis) for axis in counts]), _product([max(axis) for axis in counts])
            yield at(
                node,
                f"{fewest} to {most} weights reach an output, by its position, since the stride does not divide the "
                "kernel; use a kernel_size that is a multiple of the stride, or upsample and a convolution",
            )


def overlaps(reads: Reads) -> list[int]:
    """How many inputs reach an output along an axis, for each output of a period."""
    if not isinstance(reads, Phases):
        return [1]
    return [len(reads.taps[phase]) for phase in range(reads.up)]


def _product(counts: list[int]) -> int:
    found = 1
    for count in counts:
        found *= count
    return found


RULE = Rule(
    RuleName("checkerboard", "A transposed convolution's kernels overlap at some outputs more than at others."),
    "Outputs with more terms are larger before anything is learned, which shows as a checkerboard.",
    "Odena et al. 2016, Deconvolution and Checkerboard Artifacts (Distill)",
    """\
input: [8, 16, 16]
layers:
  - {type: conv_transpose2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1, output_padding: 1}
""",
    """\
input: [8, 16, 16]
layers:
  - {type: conv_transpose2d, out_channels: 8, kernel_size: 4, stride: 2, padding: 1}
""",
    _find,
)
