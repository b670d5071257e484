"""Even kernels that move the map by half a position."""

from __future__ import annotations

from collections.abc import Iterator

from archlab.diagnostics.codes import RuleName
from archlab.layers.geometry import Reads, Window
from archlab.layers.shape import map_size
from archlab.lint.rule import Finding, Rule, Subject, at


def _find(subject: Subject) -> Iterator[Finding]:
    for node in subject.graph.layers:
        sizes = map_size(node.shape) if node.inputs else None
        if sizes is None:
            continue
        for reads, size in zip(subject.reads[node.index][0], sizes, strict=True):
            if size > 1 and isinstance(reads, Window) and shifts(reads):
                yield at(
                    node,
                    f"a kernel of {reads.kernel} has no middle: with a padding of {reads.padding} in front, the map "
                    f"moves by half a position; use a kernel_size of {reads.kernel - 1} or {reads.kernel + 1}",
                )
                break


def shifts(reads: Reads) -> bool:
    """Whether a window of stride 1 is padded around a middle that it does not have.

    Without padding, and with all of it in front (causal), no middle is meant.
    """
    if not isinstance(reads, Window) or reads.stride != 1 or reads.reach:
        return False
    width = (reads.kernel - 1) * reads.dilation
    return width % 2 == 1 and 0 < reads.padding < width


RULE = Rule(
    RuleName("even-kernel", "An even kernel of stride 1 moves the map by half a position."),
    "The shifts of such layers add up, towards one corner. Causal and unpadded ones are left out.",
    "Wu et al. 2019, Convolution with Even-sized Kernels and Symmetric Padding",
    """\
input: [3, 32, 32]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 4, padding: same}
""",
    """\
input: [3, 32, 32]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: same}
  - {type: conv2d, out_channels: 8, kernel_size: 2, stride: 2}
""",
    _find,
)
