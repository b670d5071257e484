"""The shortcut of a residual item."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from archlab.config.syntax.substitute import Argument
from archlab.config.syntax.yaml_nodes import Sequence, value_kind
from archlab.config.tree.items import Item
from archlab.diagnostics.problem import BadItemError
from archlab.diagnostics.suggest import did_you_mean
from archlab.graph import Node
from archlab.layers.base import Layer, Shape
from archlab.layers.geometry import Window

Shortcut = Literal["identity", "project", "if_same"] | Sequence
Pair = tuple[int, int]
WORDS = ("identity", "project", "if_same")


def read_shortcut(item: Item, evaluate: Callable[[Argument], Any]) -> Shortcut:
    """What the shortcut is: a word or a list of layers.

    Raises:
        BadItemError: if it is neither.
    """
    node = item.lists.get("shortcut")
    if node is None:
        return "identity"
    if isinstance(node, Sequence):
        return node
    value = evaluate(Argument(node))
    if value in WORDS:
        return value  # type: ignore[no-any-return]
    hint = did_you_mean(value, WORDS) if isinstance(value, str) else ""
    raise BadItemError(
        f"'shortcut' is identity, project, if_same or a list of layers, not {value_kind(value)}{hint}",
        "wrong-value",
        node.place,
    )


def is_written_first(item: Item, shortcut: Shortcut) -> bool:
    """Whether the shortcut's layers stand in front of the body's: where it is a list that is written there.

    What a word makes follows from the body, so that it comes behind it.
    """
    return isinstance(shortcut, Sequence) and next(iter(item.lists)) == "shortcut"


@dataclass(frozen=True, slots=True)
class BodyPath:
    """The way through a body that a projection goes beside.

    Attributes:
        stride: (height, width) of the whole way; None where a layer on it has no whole stride (a global pooling, say).
        nodes: from the body's last layer back to its first.
    """

    stride: Pair | None
    nodes: tuple[Node, ...]

    def norm(self) -> Layer | None:
        """The norm behind the last convolution, if it has one."""
        norm: Layer | None = None
        for node in self.nodes:
            if node.layer.role == "norm":
                norm = node.layer
            if node.layer.attachments:  # a convolution
                return norm
        return None


def body_path(nodes: list[Node], first: int, start: Node, end: Node) -> BodyPath:
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
        for source, (height, width) in zip(node.inputs, node.layer.reads(shapes, node.shape), strict=True):
            if source in strides and isinstance(height, Window) and isinstance(width, Window):
                so_far = strides[source]
                strides[node.index] = so_far[0] * height.stride, so_far[1] * width.stride
                before[node.index] = source
                break
    stride = strides.get(end.index)
    way: list[Node] = []
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
