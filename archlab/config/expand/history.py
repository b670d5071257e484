"""How a value came by its shape, for problems about shapes."""

from __future__ import annotations

from collections.abc import Sequence

from archlab.graph import Node
from archlab.layers.base import shape_text

MOST_STEPS = 4
"""Changes of shape that are told, the last ones."""


def shape_notes(inputs: Sequence[Node], nodes: list[Node], labels: Sequence[str] = ()) -> tuple[str, ...]:
    """A line for each input whose shape is not the network's own input's.

    Args:
        inputs: what a layer or join reads.
        nodes: of the network so far.
        labels: what the inputs are called, where they have names.
    """
    distinct = list(dict.fromkeys(inputs))
    if len(distinct) == 1:
        story = _story(distinct[0], nodes)
        return (f"its input: {story}",) if story else ()
    named = labels or [f"input {number}" for number in range(1, len(inputs) + 1)]
    return tuple([f"{name}: {_story(node, nodes) or _word(node)}" for name, node in zip(named, inputs, strict=True)])


def _story(node: Node, nodes: list[Node]) -> str:
    """`3x32x32 (input) -> 8x16x16 (conv2d, line 4)`; empty where nothing changed on the way."""
    steps: list[Node] = []
    while len(steps) < MOST_STEPS:
        before = nodes[node.inputs[0]] if node.inputs else None
        if before is None or before.shape != node.shape:
            steps.append(node)
        if before is None:
            break
        node = before
    if len(steps) < 2:
        return ""
    start = "" if not steps[-1].inputs else "... -> "
    return start + " -> ".join([_word(step) for step in reversed(steps)])


def _word(node: Node) -> str:
    line = "" if node.place is None else f", line {node.place.line + 1}"
    return f"{shape_text(node.shape)} ({node.layer.type}{line})"
