"""`archlab verify --receptive-field`: predicted positions against gradients, position by position."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archlab.requirements import require

require("torch", "torch", "probing receptive fields")

import torch

from archlab.analysis.facts import Facts, collect_facts
from archlab.analysis.positions import MasksPair, positions_read
from archlab.analysis.receptive_field import ReceptiveField, receptive_fields
from archlab.analysis.spans import DENSE, UNTRACKED, AxisField
from archlab.graph import Graph, Node
from archlab.layers.geometry import POINTWISE
from archlab.torch.linear import LinearRun

if TYPE_CHECKING:
    from archlab.api import Network

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
    (`analysis.positions`), borders included; and where the field lies inside of the input, with the closed
    form that `analyze` reports.

    Args:
        network: what to verify.
        device: where to run.
    """
    graph = network.graph
    facts = collect_facts(graph)
    positions = positions_read(graph, facts)
    fields = receptive_fields(graph, facts)
    run = LinearRun(graph, device=device)
    result = FieldVerification(network.name)
    for node in _probed(graph, facts, positions):
        masks = positions[node.index]
        assert masks is not None
        result.layers += 1
        for unit in _units(node):
            result.units += 1
            result.differences += _compare(node, unit, masks, fields[node.index], run)
    return result


def _probed(graph: Graph, facts: list[Facts], positions: list[MasksPair | None]) -> list[Node]:
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
    last_row, last_column = node.shape[1] - 1, node.shape[2] - 1
    corners = [(0, 0), (0, last_column), (last_row, 0), (last_row, last_column)]
    return list(dict.fromkeys([(node.shape[1] // 2, node.shape[2] // 2), *corners]))


def _compare(
    node: Node, unit: tuple[int, int], masks: MasksPair, predicted: ReceptiveField, run: LinearRun
) -> list[str]:
    seen = _gradient_masks(run, node, unit)
    found: list[str] = []
    for axis, word in ((0, "rows"), (1, "columns")):
        expected = masks[axis][unit[axis]]
        if expected != seen[axis]:
            where = f"  {node.path}, unit {unit[0]},{unit[1]}"
            found.append(f"{where}: {word} {_text(expected)} predicted, {_text(seen[axis])} have a gradient")
        extent = run.input.shape[2 + axis]
        closed = _closed_form(predicted.axes[axis], unit[axis], extent)
        if closed is not None and not predicted.context and closed & ~seen[axis]:
            where = f"  {node.path}, unit {unit[0]},{unit[1]}"
            found.append(f"{where}: the closed form says {word} {_text(closed)}, of which some have no gradient")
    return found


def _closed_form(axis: AxisField | None, unit: int, extent: int) -> int | None:
    """The reported span as a mask, if it lies inside of the input."""
    if axis is None:
        return None
    first, last, mask = axis.span(unit)
    if first < 0 or last >= extent or mask == UNTRACKED or last < first:
        return None
    return ((1 << (last - first + 1)) - 1 if mask == DENSE else mask) << first


def _gradient_masks(run: LinearRun, node: Node, unit: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the input with a gradient from one unit, over all channels."""
    value = run.outputs[node.path][0, :, unit[0], unit[1]].sum()
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
