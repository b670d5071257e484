"""Projective fields from the definitions in PyTorch's documentation alone, as sets of units.

A slow, obvious recursion over sets: a unit is reached if a unit that it reads is. What a unit reads is taken from
`tests.analysis.receptive_field.definitions`, written from PyTorch's formulas; what stands in the padding is written
here. Nothing is shared with `archlab.layers` but the layers' options, nor with `archlab.analysis`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archlab.analysis.projective_field.axis_projection import AxisProjection
from archlab.analysis.receptive_field.spans import DENSE, Span
from archlab.api.analysis import Analysis
from archlab.api.network import Network
from archlab.graph import Graph, Node
from archlab.layers.shape import is_map
from tests.analysis.receptive_field.definitions import Definition, sizes_of

Relation = list[frozenset[int]]
"""By unit: the input positions that reach it."""
Path = tuple[Relation, ...]
"""Along each axis: a path reaches those units whose place along every axis it reaches."""


def copied(node: Node, tap: int, size: int) -> int | None:
    """The position whose value lies at a position outside of the map: `torch.nn.functional.pad`'s modes."""
    options: Any = node.layer
    modes = {"reflection_pad": "reflect", "replication_pad": "replicate", "circular_pad": "circular"}
    mode = modes.get(options.type[:-2], getattr(options, "padding_mode", getattr(options, "pad_mode", "zeros")))
    if mode == "reflect":
        return -tap if tap < 0 else 2 * (size - 1) - tap
    if mode == "replicate":
        return 0 if tap < 0 else size - 1
    return tap % size if mode == "circular" else None


class Reached:
    """Which positions of the input reach every unit of every node, along each axis.

    Args:
        graph: a network of maps, their channels in front or behind, or flat values behind them.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._definition = Definition(graph)
        self._paths: list[list[Path]] = []
        self.relations: list[Path] = []
        for node in graph.nodes:
            self._paths.append(self._to(node))
            self.relations.append(self._all_of(node))

    def projection(self, index: int, axis: int) -> list[frozenset[int]]:
        """By input position: the units that it reaches."""
        reached: list[set[int]] = [set() for _ in range(self._graph.input_shape[1 + axis])]
        for unit, seen in enumerate(self.relations[index][axis]):
            for at in seen:
                reached[at].add(unit)
        return [frozenset(units) for units in reached]

    def _to(self, node: Node) -> list[Path]:
        """Every path from the input that reaches something; without those all of which another one holds."""
        if node.index == 0:
            return [tuple([[frozenset([at]) for at in range(size)] for size in node.shape[1:]])]
        found: list[Path] = []
        for source in self._definition.sources(node):
            for before in self._paths[source]:
                path = tuple([self._way(node, source, axis, one) for axis, one in enumerate(before)])
                if all(any(units) for units in path) and not any(_holds(other, path) for other in found):
                    found = [other for other in found if not _holds(path, other)] + [path]
        return found

    def _all_of(self, node: Node) -> Path:
        """Units that any path reaches."""
        united: list[Relation] = [[frozenset()] * size for size in sizes_of(self._graph, node.index)]
        for path in self._paths[node.index]:
            united = [[a | b for a, b in zip(old, new, strict=True)] for old, new in zip(united, path, strict=True)]
        return tuple(united)

    def _way(self, node: Node, source: int, axis: int, before: Relation) -> Relation:
        everything = frozenset[int]().union(*before)
        size = sizes_of(self._graph, node.index)
        taps_of = self._definition.reader(node, source, axis)
        found: Relation = []
        for unit in range(size[axis]):
            taps = taps_of(unit)
            if taps is None:
                found.append(everything)
                continue
            places = [tap if 0 <= tap < len(before) else copied(node, tap, len(before)) for tap in taps]
            found.append(frozenset[int]().union(*[before[at] for at in places if at is not None]))
        return found


def _holds(path: Path, other: Path) -> bool:
    return all(a >= b for one, two in zip(path, other, strict=True) for a, b in zip(one, two, strict=True))


def difference(network: Network) -> str:
    """The first position, of any input, whose reported units are not what it reaches by definition; or nothing."""
    analysis = network.analyze()
    starts = [node.path for node in network.graph.inputs if is_map(node.shape)]
    return next(filter(None, [_difference(analysis.seen_from(start)) for start in starts]), "")


def _difference(analysis: Analysis) -> str:
    """Of the first input."""
    reached = Reached(analysis.graph)
    for node, axes in zip(analysis.graph.nodes, analysis.projections, strict=True):
        for axis, projection in enumerate(axes):
            expected = reached.projection(node.index, axis)
            found = units_of(projection)
            assert as_set(projection.covered) == frozenset[int]().union(*expected)
            for position, (one, other) in enumerate(zip(found, expected, strict=True)):
                if one != other:
                    return (
                        f"{node.path}, axis {axis}, position {position}: {sorted(one)} reported, {sorted(other)} real"
                    )
            told = facts(projection)
            real = facts_of(expected, projection.units, is_uneven=projection.speed is None)
            if told != real:
                return f"{node.path}, axis {axis}: {told} reported, {real} real"
    return ""


def units_of(projection: AxisProjection) -> list[frozenset[int]]:
    """By position, asked one by one."""
    return [as_set(projection.span(at)) for at in range(projection.positions)]


def as_set(span: Span) -> frozenset[int]:
    """A span as a set."""
    first, last, mask = span
    return frozenset(p for p in range(first, last + 1) if mask == DENSE or mask >> (p - first) & 1)


def facts(projection: AxisProjection) -> dict[str, Any]:
    """What is told of all positions together."""
    return {
        "sizes": projection.sizes,
        "counts": projection.counts(),
        "coverage": projection.coverage,
        "all": projection.reaching_all,
        "none": projection.unreaching_count,
        "stride": projection.stride if projection.speed is None else None,
        "unreaching": projection.unreaching,
        "whole": projection.is_whole,
        "runs": [unit for at in range(projection.positions) for run in projection.reached(at) for unit in run],
    }


def _stride(expected: list[frozenset[int]]) -> Fraction | None:
    """From the first position's centre to the last one's, of those that reach anything."""
    centres = {at: min(reached) + max(reached) for at, reached in enumerate(expected) if reached}
    if len(centres) < 2:
        return None
    start, end = min(centres), max(centres)
    return Fraction(centres[end] - centres[start], 2 * (end - start))


def facts_of(expected: list[frozenset[int]], units: int, *, is_uneven: bool) -> dict[str, Any]:
    """The same, counted out.

    Args:
        expected: by position, the units that it reaches.
        units: of the map.
        is_uneven: whether layers' ratios do not say how far apart neighbours' units lie.
    """
    sizes = [max(reached) - min(reached) + 1 if reached else 0 for reached in expected]
    runs: list[int] = []
    for reached in expected:
        runs += [
            edge
            for unit in sorted(reached)
            for edge in [unit] * ((unit - 1 not in reached) + (unit + 1 not in reached))
        ]
    bare = [at for at, reached in enumerate(expected) if not reached]
    starts = [at for at in bare if at - 1 not in bare]
    ends = [at for at in bare if at + 1 not in bare]
    return {
        "sizes": sorted(set(sizes)),
        "counts": {size: sizes.count(size) for size in sorted(set(sizes))},
        "coverage": min([len(r) / size if r else 1.0 for r, size in zip(expected, sizes, strict=True)]),
        "all": sum([len(reached) == units for reached in expected]),
        "none": len(bare),
        "stride": _stride(expected) if is_uneven else None,
        "unreaching": list(zip(starts, ends, strict=True)),
        "whole": all(len(reached) in (0, units) for reached in expected),
        "runs": runs,
    }
