"""Segments of a network for activation checkpointing: what keeps only its inputs and is computed twice.

Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost". A segment is what lies under one path: a block
(`layer1.0`) or a stage (`layer1`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.suggest import did_you_mean
from archlab.graph.graph import Graph


class Segment(NamedTuple):
    """Consecutive nodes under one path.

    Attributes:
        path: of the level that holds them.
        start: index of the first node.
        stop: index behind the last.
        inputs: earlier nodes that it reads, in order.
        outputs: its nodes that are read later or are results, in order.
    """

    path: str
    start: int
    stop: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def find_segments(graph: Graph, patterns: Sequence[str]) -> list[Segment]:
    """The segments that patterns name, in order.

    Args:
        graph: the network.
        patterns: paths of blocks, with `*` for anything: `layer1.0`, `layer*.*`. Of matches inside one another the
            outermost counts.

    Raises:
        ConfigError: if a pattern matches nothing, or a segment cannot be computed again.
    """
    if not patterns:
        return []
    extents = _extents(graph)
    for pattern in patterns:
        if not any(fnmatchcase(path, pattern) for path in extents):
            hint = did_you_mean(pattern, extents) or _examples(extents)
            raise single_problem(f"{graph.name} has no block '{pattern}'{hint}", Code.UNKNOWN_LAYER)
    matching = {path: extent for path, extent in extents.items() if any(fnmatchcase(path, p) for p in patterns)}
    outermost = [path for path in matching if not any(level in matching for level in _levels(path))]
    last_uses = _last_uses(graph)
    segments = [_segment(graph, path, *matching[path], last_uses) for path in outermost]
    _check_inputs_stay(graph, segments)
    return segments


def _levels(path: str) -> list[str]:
    """The levels above a path: `layer1`, `layer1.0` above `layer1.0.conv1`."""
    return [path[:position] for position, letter in enumerate(path) if letter == "."]


def _extents(graph: Graph) -> dict[str, tuple[int, int]]:
    """First and last node of every level, be it of a single layer."""
    found: dict[str, tuple[int, int]] = {}
    for node in graph.layers:
        for level in _levels(node.path):
            first, _ = found.get(level, (node.index, node.index))
            found[level] = (first, node.index)
    return found


def _examples(extents: dict[str, tuple[int, int]]) -> str:
    if not extents:
        return "; none of its layers are in blocks"
    names = list(extents)
    return f"; there are {', '.join(names[:4])}{', ...' if len(names) > 4 else ''}"


def _last_uses(graph: Graph) -> list[int]:
    """For each node the last one that reads it; one more than all of them where it is a result."""
    last = [0] * len(graph.nodes)
    for node in graph.nodes:
        for source in node.inputs:
            last[source] = node.index
    for _, index in graph.outputs:
        last[index] = len(graph.nodes)
    return last


def _segment(graph: Graph, path: str, first: int, last: int, last_uses: list[int]) -> Segment:
    inside = range(first, last + 1)
    stranger = next((graph.nodes[i].path for i in inside if not graph.nodes[i].path.startswith(path + ".")), None)
    if stranger is not None:
        raise single_problem(
            f"'{stranger}' stands between the layers of '{path}'; name a smaller block", Code.WRONG_VALUE
        )
    sources = {source for index in inside for source in graph.nodes[index].inputs if source < first}
    outputs = tuple([index for index in inside if last_uses[index] > last])
    return Segment(path, first, last + 1, tuple(sorted(sources)), outputs)


def _check_inputs_stay(graph: Graph, segments: list[Segment]) -> None:
    """Refuse segments whose input is overwritten once they have begun: computed again, they would read other values."""
    owner: list[int] = []
    writers: dict[int, list[int]] = {}
    for node, runtime in zip(graph.nodes, graph.runtimes, strict=True):
        owner.append(node.index if runtime.training_storage == "new" else owner[node.inputs[0]])
        if runtime.overwrites:
            writers.setdefault(owner[node.inputs[0]], []).append(node.index)
    for segment in segments:
        found: list[int] = []
        for kept in {owner[index] for index in segment.inputs}:
            over = writers.get(kept, [])
            at = bisect_left(over, segment.start)
            found += over[at : at + 1]
        if found:
            node = graph.nodes[min(found)]
            message = f"'{node.path}' overwrites what enters '{segment.path}', which could not be computed again"
            raise single_problem(f"{message}; choose a block that holds both", Code.INPLACE, node.place)
