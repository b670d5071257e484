"""`archlab verify --receptive-field`: predicted positions against gradients, position by position."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archlab.requirements import require

require("torch", "torch", "probing receptive fields")

import torch

from archlab.analysis.facts import Facts, collect_facts
from archlab.analysis.positions import PositionsPair, positions_read
from archlab.analysis.receptive_field import ReceptiveField, gate_inputs, receptive_fields
from archlab.analysis.spans import DENSE, UNTRACKED, AxisField
from archlab.graph import Graph, Node
from archlab.layers.base import ChannelsLast, map_size
from archlab.layers.geometry import POINTWISE
from archlab.torch.linear import LinearRun

if TYPE_CHECKING:
    from archlab.api import Network

AXES = ("rows", "columns")
MOST_LAYERS = 20
"""Layers probed in one network, evenly spaced; the last is always among them."""


@dataclass(slots=True)
class FieldVerification:
    """What was probed and what differs.

    Attributes:
        name: of the network.
        layers: how many layers were probed.
        units: how many units.
        differences: a line each.
    """

    name: str
    layers: int = 0
    units: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every position is equal."""
        return not self.differences

    def render(self) -> str:
        """A line, and one for each difference."""
        if self.ok:
            return (
                f"{self.name}: receptive field ok, {self.units} units of {self.layers} layers read "
                "exactly the predicted positions (gradients)"
            )
        return "\n".join([f"{self.name}: {len(self.differences)} differences in receptive fields", *self.differences])


def verify_receptive_field(network: Network, *, device: str = "cpu") -> FieldVerification:
    """Probe a network with gradients and compare the rows and columns that units read.

    The corners and the centre of each probed map are compared with the positions computed unit by unit
    (`analysis.positions`), borders included. These in turn are compared with the closed form that `analyze`
    reports: for every unit of every layer whose field is not cut by a border on the way.

    Args:
        network: what to verify.
        device: where to run.
    """
    graph = network.graph
    facts = collect_facts(graph)
    fields = receptive_fields(graph, facts)
    gates = gate_inputs(graph, fields)
    positions = positions_read(graph, facts, gates)
    run = LinearRun(graph, gates, device=device)
    result = FieldVerification(network.name)
    for node in _probed(graph, facts, positions):
        result.layers += 1
        for unit in _units(node):
            result.units += 1
            result.differences += _compare_gradient(node, unit, positions[node.index], run)
    for node in graph.layers:
        result.differences += compare_closed_form(node, positions[node.index], fields[node.index])
    return result


def _probed(graph: Graph, facts: list[Facts], positions: list[PositionsPair | None]) -> list[Node]:
    """Layers that change what is seen, evenly spaced where there are many."""
    changing = [
        node
        for node in graph.layers
        if positions[node.index] is not None and any(reads is not POINTWISE for reads in facts[node.index].reads)
    ]
    joins = [node for node in graph.layers if len(node.inputs) > 1 and positions[node.index] is not None]
    chosen = sorted({node.index for node in (*changing, *joins)})
    step = max(1, -(-len(chosen) // MOST_LAYERS))
    return [graph.nodes[index] for index in reversed(chosen[::-1][::step])]


def _units(node: Node) -> list[tuple[int, int]]:
    """Corners and centre."""
    size = map_size(node.shape)
    assert size is not None
    last_row, last_column = size[0] - 1, size[1] - 1
    corners = [(0, 0), (0, last_column), (last_row, 0), (last_row, last_column)]
    return list(dict.fromkeys([(size[0] // 2, size[1] // 2), *corners]))


def _compare_gradient(node: Node, unit: tuple[int, int], positions: PositionsPair | None, run: LinearRun) -> list[str]:
    assert positions is not None
    seen = _gradient_masks(run, node, unit)
    found: list[str] = []
    solid = all(positions[axis][unit[axis]].solid for axis in (0, 1))
    for axis, word in enumerate(AXES):
        expected = positions[axis][unit[axis]].mask
        if expected != seen[axis] if solid else seen[axis] & ~expected:
            where = f"  {node.path}, unit {unit[0]},{unit[1]}"
            found.append(f"{where}: {word} {_text(expected)} predicted, {_text(seen[axis])} have a gradient")
    return found


def compare_closed_form(node: Node, positions: PositionsPair | None, predicted: ReceptiveField) -> list[str]:
    """The reported spans against the positions of every unit that no border cuts; a line for the first difference."""
    if positions is None:
        return []
    for axis, word in enumerate(AXES):
        field_axis = predicted.axes[axis]
        for number, unit in enumerate(positions[axis]):
            if field_axis is None or not unit.complete:
                continue
            closed = _closed_form(field_axis, number)
            if closed is not None and closed != unit.mask:
                return [f"  {node.path}: {word} of unit {number}: {_text(closed)} reported, {_text(unit.mask)} read"]
    return []


def _closed_form(axis: AxisField, unit: int) -> int | None:
    """The reported span as a mask; None if its holes are not tracked."""
    first, last, mask = axis.span(unit)
    if mask == UNTRACKED:
        return None
    if last < first or first < 0:  # nothing, or wrong: a unit that no border cuts sees no padding
        return 0
    return ((1 << (last - first + 1)) - 1 if mask == DENSE else mask) << first


def _gradient_masks(run: LinearRun, node: Node, unit: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the input with a gradient from one unit, over all channels."""
    output = run.outputs[node.path][0]
    value = output[unit].sum() if isinstance(node.shape, ChannelsLast) else output[:, unit[0], unit[1]].sum()
    (gradient,) = torch.autograd.grad(value, run.input, retain_graph=True, allow_unused=True)
    if gradient is None:
        return 0, 0
    read = gradient[0].ne(0).any(0)
    return _mask(read.any(1)), _mask(read.any(0))


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
