"""`archlab verify --projective-field`: which input positions reach a layer's units, against gradients.

The gradient of all units in one row of a map, summed up, is above zero exactly where a position of the input reaches
that row: one backward pass holds one row of the map against every position of the input.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from archlab.diagnostics.requirements import require
from archlab.diagnostics.words import counted

require("torch", "torch", "probing projective fields")

import torch
from torch import Tensor

from archlab.analysis.facts import collect_facts
from archlab.analysis.projective_field.axis_projection import AxisProjection
from archlab.analysis.projective_field.fields import Projections, projective_fields
from archlab.analysis.receptive_field.fields import gate_inputs, receptive_fields
from archlab.analysis.receptive_field.spans import DENSE, Span
from archlab.graph import Graph, HasGraph, Node
from archlab.layers.laid import row_index
from archlab.layers.shape import UNIT_NAMES, map_size
from archlab.torch.linear import LinearRun

MOST_LAYERS = 12
"""Layers probed in one network, evenly spaced; the results are always among them."""


@dataclass(slots=True)
class ProjectionVerification:
    """What was probed and what differs.

    Attributes:
        name: of the network.
        layers: how many layers were probed.
        units: how many rows, columns or slices of units.
        words: what those are called.
        differences: a line each.
    """

    name: str
    words: str
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
                f"{self.name}: projective field ok, {self.units:,} {self.words} of "
                f"{counted(self.layers, 'layer')} are reached from exactly the predicted input positions (gradients)"
            )
        number = counted(len(self.differences), "difference")
        return "\n".join([f"{self.name}: {number} in projective fields", *self.differences])


def verify_projective_field(
    network: HasGraph, *, device: str = "cpu", thorough: bool = False
) -> ProjectionVerification:
    """Probe a network with gradients and compare which positions of the input reach its units.

    Args:
        network: what to verify; its input is a map.
        device: where to run.
        thorough: probe every row and column of every layer.
    """
    graph = network.graph
    facts = collect_facts(graph)
    fields = receptive_fields(graph, facts)
    projections = projective_fields(graph, facts, fields)
    run = LinearRun(graph, gate_inputs(graph, fields), device=device)
    words = UNIT_NAMES[len(graph.input_shape) - 1]
    result = ProjectionVerification(graph.name, " and ".join([", ".join(words[:-1]), words[-1]][len(words) == 1 :]))
    unknown = {node.index for node in graph.nodes if fields[node.index].unknown}
    for node in _probed(graph, projections, unknown, most=len(graph.nodes) if thorough else MOST_LAYERS):
        result.layers += 1
        projected = projections[node.index]
        for axis, word in enumerate(words):
            for unit in _units(projected[axis].units, thorough=thorough):
                result.units += 1
                found = _compare(projected, axis, unit, reached_from(run, node, axis, unit))
                if found:
                    result.differences.append(f"  {node.path}, {word.removesuffix('s')} {unit}: {found}")
    return result


def _probed(graph: Graph, projections: list[Projections], unknown: set[int], *, most: int) -> list[Node]:
    """Layers that change what is reached, evenly spaced where there are many, and the results, where it is known."""
    results = {index for _, index in graph.outputs} - unknown
    changing = [
        node
        for node in graph.layers
        if node.index not in results | unknown
        and all(projections[node.index] is not projections[at] for at in node.inputs)
    ]
    step = max(1, -(-len(changing) // max(1, most - len(results))))
    chosen = {node.index for node in changing[::-1][::step]} | (results - {0})
    return [graph.nodes[index] for index in sorted(chosen)]


def _units(count: int, *, thorough: bool) -> list[int]:
    """All along an axis, or the first, the last and the one in the middle."""
    return [*range(count)] if thorough else sorted({0, count // 2, count - 1})


def reached_from(run: LinearRun, node: Node, axis: int, unit: int) -> Tensor:
    """Whether each position of the input, of any channel, reaches some unit in a row (column, ...) of a layer's map.

    Args:
        run: of the linear network.
        node: the layer.
        axis: which axis of its map.
        unit: place along it.
    """
    output = run.outputs[node.path][0]
    if map_size(node.shape) is not None:
        output = output[row_index(node.shape, axis, unit)]
    (gradient,) = torch.autograd.grad(output.sum(), run.input, retain_graph=True, allow_unused=True)
    return torch.zeros_like(run.input[0, 0]).bool() if gradient is None else gradient[0].ne(0).any(0)


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
