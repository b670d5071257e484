"""What the projection of a residual follows from: the way through its body."""

from __future__ import annotations

from dataclasses import dataclass

from archlab.config.expand.draft import Draft
from archlab.layers.base import Layer
from archlab.layers.geometry import Window
from archlab.layers.shape import Shape

Pair = tuple[int, int]
WORDS = ("identity", "project", "if_same")
"""What a shortcut may be called."""


@dataclass(frozen=True, slots=True)
class BodyPath:
    """The way through a body that a projection goes beside.

    Attributes:
        stride: (height, width) of the whole way; None where a layer on it has no whole stride (a global pooling, say).
        nodes: from the body's last layer back to its first.
    """

    stride: Pair | None
    nodes: tuple[Draft, ...]

    def norm(self) -> Layer | None:
        """The norm behind the last convolution, if it has one."""
        norm: Layer | None = None
        for node in self.nodes:
            if node.layer.role == "norm":
                norm = node.layer
            if node.layer.attachments:  # a convolution
                return norm
        return None


def body_path(nodes: list[Draft], first: int, start: Draft, end: Draft) -> BodyPath:
    """The way from what enters a body to what it gives, over first inputs where there is a choice.

    Layers that slide a window have a stride. A gate pools the whole map; the way is then that of the map it scales.

    Args:
        nodes: of the network so far.
        first: index of the body's first node.
        start: what enters.
        end: what it gives.
    """
    strides: dict[int, Pair] = {start.index: (1, 1)}
    before: dict[int, int] = {}
    for node in nodes[first : end.index + 1]:
        shapes = tuple([nodes[i].shape for i in node.inputs])
        for source, reads in zip(node.inputs, node.layer.reads(shapes, node.shape), strict=True):
            if source in strides and all(isinstance(axis, Window) for axis in reads):
                steps = [axis.stride for axis in reads if isinstance(axis, Window)] or [1, 1]
                so_far = strides[source]
                strides[node.index] = so_far[0] * steps[0], so_far[1] * steps[1]
                before[node.index] = source
                break
    stride = strides.get(end.index)
    way: list[Draft] = []
    node = end
    while node is not start and node.index >= first:
        way.append(node)
        node = nodes[node.inputs[0] if stride is None else before[node.index]]
    return BodyPath(stride, tuple(way))


def fitting_stride(before: Shape, after: Shape) -> Pair | None:
    """The stride of a 1x1 convolution between maps of two sizes (height, width); None where none fits, or several."""
    height, width = map(_fitting, before, after)
    return None if height is None or width is None else (height, width)


def _fitting(before: int, after: int) -> int | None:
    if before == after:
        return 1
    least = -(-before // after)
    fits = [stride for stride in (least, least + 1) if -(-before // stride) == after]
    return fits[0] if len(fits) == 1 else None
