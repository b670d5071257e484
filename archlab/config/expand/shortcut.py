"""What the projection of a residual follows from: the way through its body."""

from __future__ import annotations

from operator import mul
from typing import NamedTuple

from archlab.config.expand.draft import Draft
from archlab.layers.base import Layer
from archlab.layers.geometry import Window
from archlab.layers.shape import Shape, axis_count

Strides = tuple[int, ...]
"""Along each axis."""
WORDS = ("identity", "project", "if_same")
"""What a shortcut may be called."""


class BodyPath(NamedTuple):
    """The way through a body that a projection goes beside.

    Attributes:
        stride: of the whole way, along each axis; None where a layer on it has no whole stride (a global pooling, say).
        nodes: from the body's last layer back to its first.
    """

    stride: Strides | None
    nodes: tuple[Draft, ...]

    def norm(self) -> Layer | None:
        """The norm behind the last convolution, if it has one."""
        norm: Layer | None = None
        for node in self.nodes:
            if node.layer.role == "norm":
                norm = node.layer
            if node.layer.role == "weighted" and node.layer.rank:  # a convolution
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
    strides: dict[int, Strides] = {start.index: (1,) * axis_count(start.shape)}
    before: dict[int, int] = {}
    for node in nodes[first : end.index + 1]:
        shapes = tuple([nodes[i].shape for i in node.inputs])
        for source, reads in zip(node.inputs, node.layer.reads(shapes, node.shape), strict=True):
            if source in strides and all(isinstance(axis, Window) for axis in reads):
                steps = [axis.stride for axis in reads if isinstance(axis, Window)]
                strides[node.index] = tuple(map(mul, strides[source], steps))
                before[node.index] = source
                break
    stride = strides.get(end.index)
    way: list[Draft] = []
    node = end
    while node is not start and node.index >= first:
        way.append(node)
        node = nodes[node.inputs[0] if stride is None else before[node.index]]
    return BodyPath(stride, tuple(way))


def fitting_stride(before: Shape, after: Shape) -> Strides | None:
    """The strides of a 1x1 convolution between maps of two sizes; None where none fit, or several."""
    found = [_fitting(one, other) for one, other in zip(before, after, strict=True)]
    strides = tuple([stride for stride in found if stride is not None])
    return strides if len(strides) == len(found) else None


def _fitting(before: int, after: int) -> int | None:
    if before == after:
        return 1
    least = -(-before // after)
    fits = [stride for stride in (least, least + 1) if -(-before // stride) == after]
    return fits[0] if len(fits) == 1 else None
