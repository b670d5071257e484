"""The shortcut of a residual item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from archlab.config.items import Item
from archlab.config.problem import BadItemError
from archlab.config.substitute import Argument
from archlab.config.suggest import did_you_mean
from archlab.config.yaml_nodes import Sequence, value_kind
from archlab.graph import Node
from archlab.layers.base import Layer
from archlab.layers.geometry import Window

Shortcut = Literal["identity", "project", "if_same"] | Sequence
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


def total_stride(nodes: list[Node], end: Node, start: Node) -> tuple[int, int] | None:
    """The strides along the first inputs from `start` to `end`, multiplied.

    Returns:
        (height, width), or None where a layer between them has no whole stride (a global pooling, say) or
        where the first inputs do not lead back to `start`.
    """
    height = width = 1
    node = end
    while node is not start:
        if node.index <= start.index or not node.inputs:
            return None
        shapes = tuple([nodes[i].shape for i in node.inputs])
        reads = node.layer.reads(shapes, node.shape)[0]
        if not isinstance(reads[0], Window) or not isinstance(reads[1], Window):
            return None
        height *= reads[0].stride
        width *= reads[1].stride
        node = nodes[node.inputs[0]]
    return height, width


def body_norm(nodes: list[Node], end: Node, start: Node) -> Layer | None:
    """The norm behind the body's last convolution, if it has one."""
    node = end
    norm: Layer | None = None
    while node is not start and node.inputs:
        if node.layer.role == "norm":
            norm = node.layer
        if node.layer.attachments:  # a convolution
            return norm
        node = nodes[node.inputs[0]]
    return None
