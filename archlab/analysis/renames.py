"""Layers that two networks have under different names."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from archlab.graph import Graph, Node
from archlab.layers.shape import Shape

Arguments = Callable[[Node, tuple[Shape, ...]], dict[str, Any]]


def renames(before: Graph, after: Graph, arguments: Arguments) -> dict[str, str]:
    """The new paths of layers that only have another name, by their old ones.

    Layers of one path are one layer, whatever changed in them. Of the others two are one layer where type, arguments
    and shape are equal and each input of the one is an input of the other; of several the earliest.
    """
    twins = {node.path: node.index for node in before.nodes}
    found: dict[str, str] = {}
    known = {node.index: twins[node.path] for node in after.nodes if node.path in twins}
    alone = set(twins.values()).difference(known.values())
    if not alone or len(known) == len(after.nodes):
        return found
    waiting: dict[tuple[object, ...], deque[Node]] = {}
    old, new = _Signatures(before, arguments), _Signatures(after, arguments)
    for index in sorted(alone):
        node = before.nodes[index]
        waiting.setdefault((old(node), node.inputs), deque()).append(node)
    for node in after.nodes:
        if node.index in known:
            continue
        candidates = waiting.get((new(node), tuple([known.get(source, -1) for source in node.inputs])))
        if candidates and _shared(candidates[0], found) == node.shares:
            twin = candidates.popleft()
            known[node.index] = twin.index
            found[twin.path] = node.path
    return found


def _shared(node: Node, found: dict[str, str]) -> str | None:
    return None if node.shares is None else found.get(node.shares, node.shares)


class _Signatures:
    """Type, arguments and shape of a layer, found once for each layer and its input shapes."""

    def __init__(self, graph: Graph, arguments: Arguments) -> None:
        self._graph = graph
        self._arguments = arguments
        self._known: dict[tuple[object, ...], tuple[object, ...]] = {}

    def __call__(self, node: Node) -> tuple[object, ...]:
        shapes = self._graph.input_shapes(node)
        key = (id(node.layer), shapes)
        if key not in self._known:
            self._known[key] = (node.layer.type, repr(sorted(self._arguments(node, shapes).items())), node.shape)
        return self._known[key]
