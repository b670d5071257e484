"""`archlab verify --receptive-field`: predicted positions against gradients, position by position."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from archlab.diagnostics.requirements import require
from archlab.diagnostics.words import counted

require("torch", "torch", "probing receptive fields")

from itertools import product

import torch

from archlab.analysis.facts import Facts, collect_facts
from archlab.analysis.receptive_field.axis_field import AxisField
from archlab.analysis.receptive_field.fields import ReceptiveField, gate_inputs, receptive_fields
from archlab.analysis.receptive_field.positions import MapPositions, positions_read
from archlab.analysis.receptive_field.spans import DENSE, UNTRACKED, Span
from archlab.analysis.receptive_field.unbounded import AxisPositions, Positions, blind_nodes, unbounded_positions
from archlab.graph import Graph, HasGraph, Node
from archlab.graph.viewpoint import seen_from
from archlab.layers.geometry import is_pointwise
from archlab.layers.laid import unit_index
from archlab.layers.shape import UNIT_NAMES, is_map, size_along
from archlab.torch.linear import LinearRun

MOST_LAYERS = 20
"""Layers probed in one network, evenly spaced; the last is always among them."""


@dataclass(slots=True)
class FieldVerification:
    """What was probed and what differs.

    Attributes:
        name: of the network.
        inputs: from how many inputs; those without positions have no fields.
        layers: how many layers were probed, of all inputs together.
        units: how many units.
        differences: a line each.
    """

    name: str
    inputs: int = 0
    layers: int = 0
    units: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every position is equal."""
        return not self.differences

    def render(self) -> str:
        """A line, and one for each difference."""
        if not self.inputs:
            return f"{self.name}: no receptive fields, since no input has positions"
        if self.ok:
            units, layers = counted(self.units, "unit"), counted(self.layers, "layer")
            of_inputs = f" of {self.inputs} inputs" if self.inputs > 1 else ""
            return (
                f"{self.name}: receptive field ok, {units} of {layers} read "
                f"exactly the predicted positions{of_inputs} (gradients); all reported fields are those of the "
                "definition, padding included"
            )
        return "\n".join(
            [f"{self.name}: {counted(len(self.differences), 'difference')} in receptive fields", *self.differences]
        )


def verify_receptive_field(network: HasGraph, *, device: str = "cpu", thorough: bool = False) -> FieldVerification:
    """Probe a network with gradients and compare the rows and columns that units read, of each of its inputs.

    The corners and the centre of each probed map are compared with the positions computed unit by unit
    (`analysis.positions`), borders included. These in turn are compared with the fields that `analyze` reports, for
    every unit of every layer. What reaches into the padding has no gradient: all that is reported is also compared
    with the definition worked out unit by unit on maps without an end (`analysis.unbounded`).

    Args:
        network: what to verify.
        device: where to run.
        thorough: probe every row and column of every layer.
    """
    graph = network.graph
    starts = maps_of(graph)
    result = FieldVerification(graph.name, len(starts))
    for start in starts:
        found = _verify(seen_from(graph, start), result, device, thorough=thorough)
        result.differences += told_of(graph, start, found)
    return result


def maps_of(graph: Graph) -> list[Node]:
    """The inputs that have positions."""
    return [node for node in graph.inputs if is_map(node.shape)]


def told_of(graph: Graph, start: Node, differences: list[str]) -> list[str]:
    """The lines with the name of the input, where there are several."""
    return [f"  from {start.path}:{line}" for line in differences] if len(graph.inputs) > 1 else differences


def _verify(graph: Graph, result: FieldVerification, device: str, *, thorough: bool) -> list[str]:
    """What differs in the fields of the first input; layers and units are counted in the result."""
    facts = collect_facts(graph)
    fields = receptive_fields(graph, facts)
    gates = gate_inputs(graph, fields)
    positions = positions_read(graph, facts, gates)
    rank = len(graph.input_shape) - 1
    run = LinearRun(graph, gates, device=device, probes=1 + 2**rank)
    differences: list[str] = []
    for node in _probed(graph, facts, positions, most=len(graph.nodes) if thorough else MOST_LAYERS):
        units = _units(node, rank, thorough=thorough)
        result.layers += 1
        result.units += len(units)
        parts = [... if unit is None else unit_index(node.shape, unit) for unit in units]
        known = not fields[node.index].unknown
        for unit, read in zip(units, run.reached(node.path, parts), strict=True):
            differences += _compare_gradient(node, unit, positions[node.index], read, known=known)
    for node in _seeing(graph):
        differences += compare_inside(node, positions[node.index], fields[node.index])
    return differences + _against_definition(graph, facts, fields, gates)


def _against_definition(
    graph: Graph, facts: list[Facts], fields: list[ReceptiveField], gates: dict[int, frozenset[int]]
) -> list[str]:
    found: list[str] = []
    extents = graph.input_shape[1:]
    seen = unbounded_positions(graph, facts, gates)
    for node in _seeing(graph):
        field, of_node = fields[node.index], seen[node.index]
        if of_node is None or field.is_nothing:
            told, true = ("nothing" if bare else "something" for bare in (field.is_nothing, of_node is None))
            found += [f"  {node.path}: {told} reported, {true} by definition"] if told != true else []
            continue
        for axis, (word, extent) in enumerate(zip(UNIT_NAMES[len(extents)], extents, strict=True)):
            found += compare_definition(node, word, field.axes[axis], of_node[axis], extent)
    return found


def _seeing(graph: Graph) -> list[Node]:
    """The layers to which a way leads from the first input."""
    blind = blind_nodes(graph)
    return [node for node in graph.layers if node.index not in blind]


def _probed(graph: Graph, facts: list[Facts], positions: list[MapPositions | None], *, most: int) -> list[Node]:
    """Layers that change what is seen, evenly spaced where there are many."""
    seeing = [node for node in _seeing(graph) if positions[node.index] is not None]
    changing = [node for node in seeing if not all(map(is_pointwise, facts[node.index].reads))]
    joins = [node for node in seeing if len(node.inputs) > 1]
    chosen = sorted({node.index for node in (*changing, *joins)})
    step = max(1, -(-len(chosen) // most))
    return [graph.nodes[index] for index in reversed(chosen[::-1][::step])]


def _units(node: Node, rank: int, *, thorough: bool) -> list[tuple[int, ...] | None]:
    """Corners and centre; or as few units as have every position of each axis among them; None for the whole value."""
    size = size_along(node.shape, rank)
    if size is None:
        return [None]
    if thorough:
        return [tuple([number % units for units in size]) for number in range(max(size))]
    corners = product(*[(0, units - 1) for units in size])
    return list(dict.fromkeys([tuple([units // 2 for units in size]), *corners]))


def _compare_gradient(
    node: Node, unit: tuple[int, ...] | None, positions: MapPositions | None, flags: torch.Tensor, *, known: bool
) -> list[str]:
    """What differs between the positions that one unit, or the whole value, should read and those with a gradient."""
    assert positions is not None
    seen = [_mask(flags.movedim(axis, 0).reshape(size, -1).any(1)) for axis, size in enumerate(flags.shape)]
    found: list[str] = []
    read = positions.unit(unit or (0,) * len(seen))
    solid = known and positions.solid
    for axis, word in enumerate(UNIT_NAMES[len(seen)]):
        expected = read[axis]
        if expected != seen[axis] if solid else seen[axis] & ~expected:
            where = f"  {node.path}" + ("" if unit is None else f", unit {','.join(map(str, unit))}")
            found.append(f"{where}: {word} {_text(expected)} predicted, {_text(seen[axis])} have a gradient")
    return found


def compare_inside(node: Node, positions: MapPositions | None, predicted: ReceptiveField) -> list[str]:
    """The reported spans against what units read inside of the image, borders included; the first difference.

    A unit that no border cuts reads exactly its span; one that reads padding on the way sees no more than that, if
    the padding is not made of the map's own values.
    """
    if positions is None:
        return []
    for axis, word in enumerate(UNIT_NAMES[len(predicted.axes)]):
        field_axis = predicted.axes[axis]
        for number, unit in enumerate(positions.along(axis)):
            reported = None if field_axis is None else _inside(field_axis.span(number))
            if reported is None:
                continue
            if (unit.own and unit.mask & ~reported) or (unit.complete and reported != unit.mask):
                return [f"  {node.path}: {word} of unit {number}: {_text(reported)} reported, {_text(unit.mask)} read"]
    return []


def compare_definition(node: Node, word: str, reported: AxisField | None, seen: AxisPositions | None,
                       extent: int) -> list[str]:  # fmt: skip
    """All that is reported of an axis against the recursion unit by unit, padding included; the first difference.

    Args:
        node: whose field it is.
        word: what the axis's positions are called.
        reported: its field along the axis.
        seen: by unit, by the definition.
        extent: positions of the input.
    """
    if reported is None or seen is None:
        one, other = ("all" if whole is None else "a part" for whole in (reported, seen))
        return [] if one == other else [f"  {node.path}: {word}: {one} reported, {other} by definition"]
    for unit in range(reported.units):
        span = reported.span(unit)
        low, mask = seen[unit]
        same = _as_positions(span) == (low, mask)
        if span[2] == UNTRACKED:
            same = span[:2] == (low, low + mask.bit_length() - 1)
        if not same:
            true_span = _span_text((low, low + mask.bit_length() - 1, mask))
            return [f"  {node.path}: {word} of unit {unit}: {_span_text(span)} reported, {true_span} by definition"]
    told, true = _told(reported, extent), _by_definition([seen[unit] for unit in range(reported.units)], extent)
    if reported.coverage is None:
        true["coverage"] = None
    return [
        f"  {node.path}: {word}: {name} {told[name]} reported, {true[name]} by definition"
        for name in told
        if told[name] != true[name]
    ]


def _told(field: AxisField, extent: int) -> dict[str, object]:
    return {
        "sizes": field.sizes,
        "counts": field.counts(),
        "start": field.start,
        "centre": field.centre,
        "coverage": field.coverage,
        "units cut": field.cut(extent),
    }


def _by_definition(seen: list[Positions], extent: int) -> dict[str, object]:
    lengths = [mask.bit_length() for _, mask in seen]
    low, length = seen[0][0], lengths[0]
    return {
        "sizes": sorted(set(lengths)),
        "counts": {length: lengths.count(length) for length in sorted(set(lengths))},
        "start": low if length else None,
        "centre": Fraction(2 * low + length - 1, 2) if length else None,
        "coverage": min([mask.bit_count() / mask.bit_length() if mask else 1.0 for _, mask in seen]),
        "units cut": sum([bool(mask) and (low < 0 or low + mask.bit_length() > extent) for low, mask in seen]),
    }


def _as_positions(span: Span) -> Positions:
    first, last, mask = span
    if last < first:
        return 0, 0
    return first, mask if mask != DENSE else (1 << (last - first + 1)) - 1


def _inside(span: Span) -> int | None:
    """A span as a mask over the input's positions from 0 on; None if its holes are not tracked."""
    if span[2] == UNTRACKED:
        return None
    low, mask = _as_positions(span)
    return mask << low if low >= 0 else mask >> -low


def _span_text(span: Span) -> str:
    first, last, mask = span
    if last < first:
        return "nothing"
    holes = "" if mask in (DENSE, UNTRACKED) else f" ({mask.bit_count()} of {last - first + 1} read)"
    return f"{first} to {last}{holes}"


def _mask(flags: torch.Tensor) -> int:
    return sum(1 << i for i in flags.nonzero().flatten().tolist())


def _text(mask: int) -> str:
    """A mask as runs: `0-2, 5`."""
    runs: list[str] = []
    position = 0
    while mask >> position:
        if mask >> position & 1:
            end = position
            while mask >> (end + 1) & 1:
                end += 1
            runs.append(str(position) if end == position else f"{position}-{end}")
            position = end
        position += 1
    return ", ".join(runs) or "none"
