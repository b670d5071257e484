"""`archlab receptive-field`: one layer's theoretical, estimated and measured field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archlab.analysis.receptive_field.fields import FLAT_AXES
from archlab.analysis.receptive_field.growth import middle_unit
from archlab.analysis.result import Analysis
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.spelling import argument, spelling
from archlab.diagnostics.suggest import did_you_mean
from archlab.graph import Node
from archlab.layers.shape import UNIT_NAMES, is_map, map_size, shape_text
from archlab.report.field import FieldReport, unit_spans

if TYPE_CHECKING:
    from archlab.torch.effective import Progress, Sampling


def receptive_field(
    analysis: Analysis, *, layer: str | None = None, unit: tuple[int, ...] | None = None
) -> FieldReport:
    """The theoretical field of a layer and the estimate of its effective one.

    Args:
        analysis: of the network.
        layer: its path; by default the one whose field the total gives (see `analysis.outputs`).
        unit: row and column in its map; by default the middle.

    Raises:
        ConfigError: if there is no such layer or unit, or the input has no positions.
    """
    graph = analysis.graph
    if not is_map(graph.input_shape):
        raise single_problem(
            f"{graph.name}: the input {shape_text(graph.input_shape)} has no positions, so that nothing has a "
            "receptive field",
            Code.WRONG_VALUE,
        )
    node = _node(analysis, layer)
    chosen = _unit(node, unit)
    return FieldReport(analysis, node, chosen, analysis.estimator.field(node.index, chosen))


def measured_field(report: FieldReport, sampling: Sampling, progress: Progress) -> FieldReport:
    """The same report with the effective field measured by gradients.

    Raises:
        ConfigError: for images or weights that do not fit, or if there are no gradients.
        MissingRequirementError: if torch is not installed.
    """
    from archlab.torch.effective import measure

    spans = unit_spans(report.analysis, report.node, report.unit)
    measured = measure(report.analysis.graph, report.node.index, report.unit, spans, sampling, progress)
    return FieldReport(report.analysis, report.node, report.unit, report.estimate, measured)


def _node(analysis: Analysis, path: str | None) -> Node:
    nodes = analysis.graph.nodes
    if path is None:
        return nodes[analysis.total.receptive_field_index or analysis.graph.outputs[0][1] or 1]
    found = next((node for node in nodes[1:] if node.path == path), None)
    if found is None:
        hint = did_you_mean(path, [node.path for node in nodes[1:]]) or f"; see {spelling().layers}"
        raise single_problem(f"{analysis.graph.name} has no layer '{path}'{hint}", Code.UNKNOWN_LAYER)
    return found


def _unit(node: Node, unit: tuple[int, ...] | None) -> tuple[int, ...]:
    if unit is None:
        return middle_unit(node.shape)
    size = map_size(node.shape) or (1,) * FLAT_AXES
    if any(at >= units for at, units in zip(unit, size, strict=True)):
        has = " and ".join([f"{units} {word}" for units, word in zip(size, UNIT_NAMES[len(size)], strict=True)])
        last = ",".join([str(units - 1) for units in size])
        raise single_problem(
            f"{argument('unit', ','.join(map(str, unit)))}: the output of {node.path} has {has}, so that the last unit "
            f"is {last}",
            Code.WRONG_VALUE,
        )
    return unit
