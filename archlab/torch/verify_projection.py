"""`archlab verify --projective-field`: which input positions reach a layer's units, against gradients.

The gradient of all units in one row of a map, summed up, is above zero exactly where a position of the input reaches
that row: one backward pass holds one row of the map against every position of the input.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from archlab.diagnostics.requirements import require
from archlab.diagnostics.words import all_of, counted

require("torch", "torch", "probing projective fields")

import torch
from torch import Tensor

from archlab.analysis.facts import collect_facts
from archlab.analysis.projective_field.axis_projection import AxisProjection
from archlab.analysis.projective_field.fields import projective_fields
from archlab.analysis.projective_field.ways import Projections
from archlab.analysis.receptive_field.fields import gate_inputs, receptive_fields
from archlab.analysis.receptive_field.spans import DENSE, Span
from archlab.graph import Graph, HasGraph, Node
from archlab.graph.viewpoint import seen_from
from archlab.layers.laid import row_index
from archlab.layers.shape import UNIT_NAMES, size_along
from archlab.torch.linear import LinearRun
from archlab.torch.verify_field import maps_of, told_of

MOST_LAYERS = 12
"""Layers probed in one network, evenly spaced; the results are always among them."""


@dataclass(slots=True)
class ProjectionVerification:
    """What was probed and what differs.

    Attributes:
        name: of the network.
        words: what rows, columns or slices of units are called.
        inputs: from how many inputs; those without positions have no fields.
        layers: how many layers were probed, of all inputs together.
        units: how many rows, columns or slices of units.
        differences: a line each.
    """

    name: str
    words: str = ""
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
            return f"{self.name}: no projective fields, since no input has positions"
        if self.ok:
            of_inputs = f" of {self.inputs} inputs" if self.inputs > 1 else ""
            return (
                f"{self.name}: projective field ok, {self.units:,} {self.words} of {counted(self.layers, 'layer')} "
                f"are reached from exactly the predicted input positions{of_inputs} (gradients)"
            )
        number = counted(len(self.differences), "difference")
        return "\n".join([f"{self.name}: {number} in projective fields", *self.differences])


def verify_projective_field(
    network: HasGraph, *, device: str = "cpu", thorough: bool = False
) -> ProjectionVerification:
    """Probe a network with gradients and compare which positions of each of its inputs reach its units.

    Args:
        network: what to verify.
        device: where to run.
        thorough: probe every row and column of every layer.
    """
    graph = network.graph
    starts = maps_of(graph)
    words = max([UNIT_NAMES[len(start.shape) - 1] for start in starts], key=len, default=())
    result = ProjectionVerification(graph.name, all_of(words) if words else "", len(starts))
    for start in starts:
        found = _verify(seen_from(graph, start), result, device, thorough=thorough)
        result.differences += told_of(graph, start, found)
    return result


def _verify(graph: Graph, result: ProjectionVerification, device: str, *, thorough: bool) -> list[str]:
    """What differs in the fields of the first input; layers and units are counted in the result."""
    facts = collect_facts(graph)
    fields = receptive_fields(graph, facts)
    projections = projective_fields(graph, facts, fields)
    rank = len(graph.input_shape) - 1
    run = LinearRun(graph, gate_inputs(graph, fields), device=device, probes=3 * rank)
    unknown = {node.index for node in graph.nodes if fields[node.index].unknown}
    differences: list[str] = []
    for node in _probed(graph, projections, unknown, most=len(graph.nodes) if thorough else MOST_LAYERS):
        result.layers += 1
        projected = projections[node.index]
        is_whole = size_along(node.shape, rank) is None
        rows = [(axis, unit) for axis in range(rank) for unit in _units(projected[axis].units, thorough=thorough)]
        result.units += len(rows)
        parts = [... if is_whole else row_index(node.shape, axis, unit) for axis, unit in rows]
        for (axis, unit), seen in zip(rows, run.reached(node.path, parts), strict=True):
            found = _compare(projected, axis, unit, seen)
            if found:
                word = UNIT_NAMES[rank][axis].removesuffix("s")
                differences.append(f"  {node.path}, {word} {unit}: {found}")
    return differences


def _probed(graph: Graph, projections: list[Projections], unknown: set[int], *, most: int) -> list[Node]:
    """Layers that change what is reached, evenly spaced where there are many, and the results, where it is known."""
    results = {index for _, index in graph.outputs} - unknown
    changing = [
        node
        for node in graph.layers
        if node.index not in results | unknown
        and node.inputs
        and all(projections[node.index] is not projections[at] for at in node.inputs)
    ]
    step = max(1, -(-len(changing) // max(1, most - len(results))))
    chosen = {node.index for node in changing[::-1][::step]} | (results - {0})
    return [graph.nodes[index] for index in sorted(chosen)]


def _units(count: int, *, thorough: bool) -> list[int]:
    """All along an axis, or the first, the last and the one in the middle."""
    return [*range(count)] if thorough else sorted({0, count // 2, count - 1})


def _compare(projections: Projections, axis: int, unit: int, seen: Tensor) -> str:
    """What differs between the positions predicted and those with a gradient, or nothing."""
    along = [_flags(projection, unit if number == axis else None) for number, projection in enumerate(projections)]
    both = torch.ones_like(seen)
    for number, flags in enumerate(along):
        both &= flags.to(seen.device).view([-1 if place == number else 1 for place in range(seen.dim())])
    elsewhere = int((seen & ~both).sum())
    flat = seen.movedim(axis, 0).flatten(1).any(1) if seen.dim() > 1 else seen
    predicted, found = (flags.nonzero().flatten().tolist() for flags in (along[axis], flat))
    if predicted != found:
        return f"reached from {_runs(predicted)} predicted, from {_runs(found)} by gradients"
    return f"reached from {elsewhere} positions beside those predicted, by gradients" if elsewhere else ""


def _flags(projection: AxisProjection, unit: int | None) -> Tensor:
    """Whether each position reaches a unit; any unit, where none is given."""
    flags: list[bool] = []
    for count, span in projection.between(0, projection.positions):
        flags += [span[0] <= span[1] if unit is None else _holds(span, unit)] * count
    return torch.tensor(flags)


def _holds(span: Span, unit: int) -> bool:
    first, last, mask = span
    return first <= unit <= last and (mask == DENSE or bool(mask >> (unit - first) & 1))


def _runs(places: list[int]) -> str:
    """`0-2, 5`."""
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][1] == place - 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    return ", ".join([str(first) if first == last else f"{first}-{last}" for first, last in runs]) or "nowhere"
