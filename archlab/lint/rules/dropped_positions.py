"""Strides that end before the map does."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from archlab.diagnostics.codes import RuleName
from archlab.diagnostics.words import all_of, counted
from archlab.graph import Graph, Node
from archlab.layers.geometry import Reads, Window
from archlab.layers.shape import AXIS_NAMES, Shape, is_map
from archlab.lint.rule import Finding, Reader, Rule, Subject, at, readers_of, reads_of


def _find(subject: Subject) -> Iterator[Finding]:
    found = list(_dropped(subject.graph, subject.readers))
    hint = _hint(subject) if found else ""
    for node, size, counts in found:
        names = AXIS_NAMES[len(counts)]
        lost = [
            f"{counted(count, 'position')} of {size[axis]} along the {names[axis]}"
            for axis, count in enumerate(counts)
            if count
        ]
        yield at(node, f"its stride leaves the last {all_of(lost)} unread by anything{hint}")


def _dropped(graph: Graph, readers: list[list[Reader]]) -> Iterator[tuple[Node, Shape, list[int]]]:
    """The layer, the size of the map in front of it, and how many positions along each axis nothing reads."""
    results = {index for _, index in graph.outputs}
    for node, reading in zip(graph.nodes, readers, strict=True):
        if not reading or node.index in results or not is_map(node.shape):
            continue
        if any(len(reader.reads) != len(node.shape) - 1 or not is_map(reader.node.shape) for reader in reading):
            continue
        counts = [
            min([unread(reader.reads[axis], size, reader.node.shape[1 + axis]) for reader in reading])
            for axis, size in enumerate(node.shape[1:])
        ]
        if any(counts):
            yield reading[0].node, node.shape[1:], counts


def unread(reads: Reads, size: int, units: int) -> int:
    """How many positions at the end a layer with a stride leaves out, beside those that every stride passes over."""
    if not isinstance(reads, Window) or reads.stride == 1:
        return 0
    last = reads.between(0, units - 1)[1]
    passed_over = max(0, reads.stride - (reads.kernel - 1) * reads.dilation - 1)
    return max(0, size - 1 - last - passed_over)


def _hint(subject: Subject) -> str:
    """The nearest input sizes at which nothing is dropped, as far as they are multiples of the largest stride."""
    strides = [
        axis.stride for layer in subject.analysis.layers for axis in layer.receptive_field.axes if axis is not None
    ]
    step = ceil(max(strides, default=1))
    shape = subject.graph.input_shape
    lower = tuple([size // step * step for size in shape[1:]])
    upper = tuple([-(-size // step) * step for size in shape[1:]])
    fitting = [_shown(sizes) for sizes in dict.fromkeys([lower, upper]) if _fits(subject, shape, sizes)]
    return f"; sizes must be multiples of {step}: {' or '.join(fitting)}" if fitting else ""


def _fits(subject: Subject, shape: Shape, sizes: tuple[int, ...]) -> bool:
    graph = subject.resized((shape[0], *sizes)) if sizes and min(sizes) > 0 else None
    return graph is not None and not any(_dropped(graph, readers_of(graph, reads_of(graph))))


def _shown(sizes: tuple[int, ...]) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else "x".join(map(str, sizes))


RULE = Rule(
    RuleName("dropped-positions", "A stride ends before the map does: its last rows or columns are read by nothing."),
    "The border of the image is lost, and maps of other paths no longer fit. Strides that the sizes divide avoid it.",
    "Dumoulin and Visin 2016, A Guide to Convolution Arithmetic for Deep Learning, section 2.4",
    """\
input: [3, 500, 500]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: max_pool2d, repeat: 5, kernel_size: 2}
""",
    """\
input: [3, 480, 480]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: max_pool2d, repeat: 5, kernel_size: 2}
""",
    _find,
)
