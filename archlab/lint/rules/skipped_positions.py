"""Strides that pass over positions which nothing else reads."""

from __future__ import annotations

from collections.abc import Iterator
from math import lcm

from archlab.diagnostics.codes import RuleName
from archlab.layers.geometry import Reads, Window
from archlab.layers.shape import is_map
from archlab.lint.rule import Finding, Rule, Subject, at

MOST_PERIODS = 10_000
"""Longest period of positions that is looked through."""


def _find(subject: Subject) -> Iterator[Finding]:
    for node, readers in zip(subject.graph.nodes, subject.readers, strict=True):
        if not readers or node.index in subject.results or not is_map(node.shape):
            continue
        shares = [
            read_share([reader.reads[axis] for reader in readers])
            for axis in range(len(node.shape) - 1)
            if all(len(reader.reads) == len(node.shape) - 1 for reader in readers)
        ]
        read = 1.0
        for share in shares:
            read *= share
        if read < 1:
            yield at(
                readers[0].node,
                f"its stride is larger than its kernel: {1 - read:.0%} of the positions in front of it are read by "
                "nothing; use a kernel_size of at least the stride, or an average pooling in front",
            )


def read_share(every: list[Reads]) -> float:
    """The share of positions along an axis that any of several layers reads, of a period of them."""
    windows = {reads for reads in every if isinstance(reads, Window) and reads.stride > 1}
    period = lcm(*[window.stride for window in windows])
    if len(windows) < len(set(every)) or period > MOST_PERIODS:
        return 1.0
    read = {
        (start + tap * window.dilation - window.padding) % period
        for window in windows
        for start in range(0, period, window.stride)
        for tap in range(min(window.kernel, window.stride))  # the others repeat these
    }
    return len(read) / period


RULE = Rule(
    RuleName("skipped-positions", "A stride is larger than the kernel, and nothing else reads what it passes over."),
    "What stood there is computed and thrown away. A shortcut of this kind is fine where the other path reads all.",
    "He et al. 2019, Bag of Tricks for Image Classification with Convolutional Neural Networks (ResNet-B and -D)",
    """\
input: [3, 32, 32]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: conv2d, out_channels: 16, kernel_size: 1, stride: 2}
""",
    """\
input: [3, 32, 32]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: residual, shortcut: [{type: conv2d, out_channels: 16, kernel_size: 1, stride: 2}],
     body: [{type: conv2d, out_channels: 16, kernel_size: 3, stride: 2, padding: 1}]}
""",
    _find,
)
