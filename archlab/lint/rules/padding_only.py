"""Weights and units that see nothing but padding."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from archlab.diagnostics.codes import RuleName
from archlab.layers.geometry import Window
from archlab.layers.shape import map_size
from archlab.lint.rule import Finding, Rule, Subject, at


def _find(subject: Subject) -> Iterator[Finding]:
    for node in subject.graph.layers:
        if node.layer.role != "weighted":
            continue
        sizes, units = map_size(subject.graph.nodes[node.inputs[0]].shape), map_size(node.shape)
        if sizes is None or units is None:
            continue
        axes = zip(subject.reads[node.index][0], sizes, units, strict=True)
        windows = [(reads, size, count) for reads, size, count in axes if isinstance(reads, Window)]
        taps = prod([window.kernel for window, _, _ in windows])
        live = prod([live_taps(*axis) for axis in windows])
        if live < taps:
            yield at(
                node,
                f"{taps - live} of the {taps} positions of its kernel meet nothing but padding, wherever it stands on "
                f"the map of {'x'.join(map(str, sizes))}; use a smaller kernel or dilation, or a larger map",
            )
        elif any(blind_units(*axis) for axis in windows):
            yield at(node, "units at its border see nothing but padding; use a padding smaller than the kernel")


def pads_with_zeros(reads: Window) -> bool:
    """Whether a window is laid over zeros outside of the map, and stays where it is."""
    return reads.mode == "zeros" and not reads.reach


def live_taps(reads: Window, size: int, units: int) -> int:
    """How many taps of a window meet the map, at one unit at least."""
    if not pads_with_zeros(reads):
        return reads.kernel
    if reads.stride > size:
        return sum([_meets(reads, tap, size, units) for tap in range(reads.kernel)])
    before = -(
        -(reads.padding - (units - 1) * reads.stride) // reads.dilation
    )  # taps in front of the map, even of the last unit
    within = -(-(size + reads.padding) // reads.dilation)  # taps in front of the map's end, of the first unit
    return max(0, min(reads.kernel, within) - max(0, before))


def _meets(window: Window, tap: int, size: int, units: int) -> bool:
    """Whether a tap meets the map at any unit."""
    offset = tap * window.dilation - window.padding
    first = max(0, -(offset // window.stride))  # the first unit that reads the map, or beyond it
    return first < units and offset + first * window.stride < size


def blind_units(reads: Window, size: int, units: int) -> bool:
    """Whether the first or the last unit meets the map with no tap."""
    ends = [reads.of(unit) for unit in (0, units - 1)]
    return pads_with_zeros(reads) and not all(any(0 <= position < size for position in end) for end in ends)


RULE = Rule(
    RuleName("padding-only", "Weights or units see nothing but padding."),
    "The weights are never used and never learn: a dilated 3x3 kernel on a small map is a 1x1 kernel.",
    "Chen et al. 2017, Rethinking Atrous Convolution for Semantic Image Segmentation, section 3.3",
    """\
input: [8, 7, 7]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 12, dilation: 12}
""",
    """\
input: [8, 33, 33]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 12, dilation: 12}
""",
    _find,
)
