"""What every unit sees as if no map had an end: receptive fields by their definition alone.

A unit sees what the units that it reads see, each layer going on beyond its map as its geometry says; the input
goes on with positions below 0 and beyond its size. This is what `receptive_field` reports in closed form; here it
is worked out unit by unit, without intervals, periods or tables, as a witness against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archlab.analysis.facts import Facts
from archlab.graph import Graph
from archlab.layers.geometry import WHOLE, Reads, Whole
from archlab.layers.shape import is_map, size_along

Positions = tuple[int, int]
"""The lowest position, and a bit mask: bit `i` for the position `i` above it. (0, 0) for none."""

AxisPositions = dict[int, Positions]
"""By unit: those of the map, and those outside of it that the units behind it read."""

_Source = tuple[int, Reads]
"""An input of a node, and how it is read along an axis."""


def unbounded_positions(
    graph: Graph, facts: list[Facts], gates: Mapping[int, frozenset[int]], axis: int
) -> list[AxisPositions | None]:
    """For every node: what its units see along an axis; None where each sees the whole of it.

    Args:
        graph: the network.
        facts: of its nodes.
        gates: by node, the inputs that are left out, since what they see is context (`gate_inputs`).
        axis: which of the input's axes.
    """
    blind = blind_nodes(graph)
    sizes = [size_along(node.shape, len(graph.input_shape) - 1) for node in graph.nodes]
    sources: list[list[_Source]] = []
    for node, fact in zip(graph.nodes, facts, strict=True):
        pairs = enumerate(zip(node.inputs, fact.reads, strict=True))
        left_out = gates.get(node.index, frozenset())
        ways = [way for number, way in pairs if number not in left_out and way[0] not in blind]
        of_axis = [(at, reads[axis] if sizes[node.index] and sizes[at] else WHOLE) for at, reads in ways]
        sources.append(of_axis)
    units = _units_asked(sizes, sources, axis)
    found: list[AxisPositions | None] = []
    for node in graph.nodes:
        if node.index in blind:
            found.append(dict.fromkeys(units[node.index], (0, 0)))
        elif not node.inputs:
            found.append({unit: (unit, 1) for unit in units[0]} if is_map(node.shape) else None)
        else:
            found.append(_seen(sources[node.index], found, units[node.index]) if sizes[node.index] else None)
    return found


def blind_nodes(graph: Graph) -> set[int]:
    """The nodes to which no way leads from the first input."""
    blind: set[int] = set()
    for node in graph.layers:
        if all(source in blind for source in node.inputs):
            blind.add(node.index)
    return blind


def _units_asked(sizes: list[tuple[int, ...] | None], sources: list[list[_Source]], axis: int) -> list[set[int]]:
    """Of every node: the units of its map, and all that the units asked of the nodes behind it read."""
    asked = [set(range(size[axis])) if size else set() for size in sizes]
    for index in range(len(sizes) - 1, -1, -1):
        for source, reads in sources[index]:
            if not isinstance(reads, Whole):
                asked[source].update(*[reads.of(unit) for unit in asked[index]])
    return asked


def _seen(sources: list[_Source], found: list[AxisPositions | None], units: set[int]) -> AxisPositions | None:
    inputs: list[tuple[AxisPositions, Reads]] = []
    for source, reads in sources:
        positions = found[source]
        if positions is None or isinstance(reads, Whole):
            return None
        inputs.append((positions, reads))
    return {
        unit: _unite([positions[read] for positions, reads in inputs for read in reads.of(unit)])  # type: ignore[union-attr]
        for unit in units
    }


def _unite(read: Iterable[Positions]) -> Positions:
    some = [positions for positions in read if positions[1]]
    if not some:
        return 0, 0
    lowest = min(low for low, _ in some)
    mask = 0
    for low, bits in some:
        mask |= bits << (low - lowest)
    return lowest, mask
