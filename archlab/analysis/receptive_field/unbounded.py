"""What every unit sees as if no map had an end: receptive fields by their definition alone.

A unit sees what the units that it reads see, each layer going on beyond its map as its geometry says; the input
goes on with positions below 0 and beyond its size. This is what `receptive_field` reports in closed form; here it
is worked out unit by unit, without intervals, periods or tables, as a witness against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archlab.analysis.facts import Facts
from archlab.graph import Graph
from archlab.layers.geometry import WHOLE, AxisReads, Reads, Whole
from archlab.layers.shape import is_map, size_along

Positions = tuple[int, int]
"""The lowest position, and a bit mask: bit `i` for the position `i` above it. (0, 0) for none."""

AxisPositions = dict[int, Positions]
"""By unit: those of the map, and those outside of it that the units behind it read."""

MapPositions = tuple[AxisPositions | None, ...]
"""Along each axis; None where each unit sees the whole of it."""

_Source = tuple[int, AxisReads]
"""An input of a node, and how it is read."""


def unbounded_positions(
    graph: Graph, facts: list[Facts], gates: Mapping[int, frozenset[int]]
) -> list[MapPositions | None]:
    """For every node: what its units see along each axis; None where no way leads there that sees anything.

    Args:
        graph: the network.
        facts: of its nodes.
        gates: by node, the inputs that are left out, since what they see is context (`gate_inputs`).
    """
    blind = blind_nodes(graph)
    rank = len(graph.input_shape) - 1
    sizes = [size_along(node.shape, rank) for node in graph.nodes]
    sources: list[list[_Source]] = []
    for node, fact in zip(graph.nodes, facts, strict=True):
        pairs = enumerate(zip(node.inputs, fact.reads, strict=True))
        left_out = gates.get(node.index, frozenset())
        ways = [way for number, way in pairs if number not in left_out and way[0] not in blind]
        sources.append([(at, reads if sizes[node.index] and sizes[at] else (WHOLE,) * rank) for at, reads in ways])
    units = [_units_asked(sizes, sources, axis) for axis in range(rank)]
    found: list[list[MapPositions]] = []
    for node in graph.nodes:
        asked = [of_axis[node.index] for of_axis in units]
        if node.inputs:
            onward = [_through(way, reads, asked) for at, reads in sources[node.index] for way in found[at]]
            found.append(_together([way for way in onward if all(axis is None or _any(axis) for axis in way)], asked))
        elif node.index or not is_map(node.shape):
            found.append([] if node.index else [(None,) * rank])
        else:
            found.append([tuple([{unit: (unit, 1) for unit in of_axis} for of_axis in asked])])
    return [_united(ways, [of_axis[index] for of_axis in units]) for index, ways in enumerate(found)]


def _through(way: MapPositions, reads: AxisReads, asked: list[set[int]]) -> MapPositions:
    return tuple([_seen(*along) for along in zip(way, reads, asked, strict=True)])


def _seen(positions: AxisPositions | None, reads: Reads, units: set[int]) -> AxisPositions | None:
    if positions is None or isinstance(reads, Whole):
        return None
    return {unit: _unite([positions[read] for read in reads.of(unit)]) for unit in units}


def _together(ways: list[MapPositions], asked: list[set[int]]) -> list[MapPositions]:
    """Those whose units see nothing at the same places as one: what is read of them ends together."""
    alike: dict[tuple[object, ...], list[MapPositions]] = {}
    for way in ways:
        key = tuple([None if axis is None else frozenset([u for u, (_, mask) in axis.items() if mask]) for axis in way])
        alike.setdefault(key, []).append(way)
    return [united for some in alike.values() if (united := _united(some, asked))]


def _united(ways: list[MapPositions], asked: list[set[int]]) -> MapPositions | None:
    if len(ways) < 2:
        return ways[0] if ways else None
    return tuple([_one(along, units) for along, units in zip(zip(*ways, strict=True), asked, strict=True)])


def _one(ways: Sequence[AxisPositions | None], units: set[int]) -> AxisPositions | None:
    known = [way for way in ways if way is not None]
    return {unit: _unite([way[unit] for way in known]) for unit in units} if len(known) == len(ways) else None


def _any(positions: AxisPositions) -> bool:
    return any(mask for _, mask in positions.values())


def blind_nodes(graph: Graph) -> set[int]:
    """The nodes to which no way leads from the first input."""
    blind: set[int] = set()
    for node in graph.layers:
        if node.layer.role == "source" or all(source in blind for source in node.inputs):
            blind.add(node.index)
    return blind


def _units_asked(sizes: list[tuple[int, ...] | None], sources: list[list[_Source]], axis: int) -> list[set[int]]:
    """Of every node: the units of its map, and all that the units asked of the nodes behind it read."""
    asked = [set(range(size[axis])) if size else set() for size in sizes]
    for index in range(len(sizes) - 1, -1, -1):
        for source, reads in sources[index]:
            along = reads[axis]
            if not isinstance(along, Whole):
                asked[source].update(*[along.of(unit) for unit in asked[index]])
    return asked


def _unite(read: Iterable[Positions]) -> Positions:
    some = [positions for positions in read if positions[1]]
    if not some:
        return 0, 0
    lowest = min(low for low, _ in some)
    mask = 0
    for low, bits in some:
        mask |= bits << (low - lowest)
    return lowest, mask
