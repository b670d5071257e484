"""`archlab receptive-field`: one layer's theoretical, estimated and measured field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archlab.analysis.receptive_field.growth import middle_unit
from archlab.analysis.result import Analysis
from archlab.api.places import checked_place, chosen_layer, seen_from
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.graph import Node
from archlab.layers.shape import axis_count, map_size
from archlab.report.field import FieldReport, unit_spans
from archlab.report.viewpoint import input_words

if TYPE_CHECKING:
    from archlab.torch.effective import Progress, Sampling


def receptive_field(
    analysis: Analysis,
    *,
    layer: str | None = None,
    unit: tuple[int, ...] | None = None,
    from_input: str | None = None,
) -> FieldReport:
    """The theoretical field of a layer and the estimate of its effective one.

    Args:
        analysis: of the network.
        layer: its path; by default the one whose field the total gives (see `analysis.outputs`).
        unit: an index for each axis of its map, such as row and column; by default the middle.
        from_input: which input's positions, of several; by default the first's.

    Raises:
        ConfigError: if there is no such input, layer or unit, or the input has no positions.
    """
    analysis = seen_from(analysis, from_input, "receptive")
    node = chosen_layer(analysis, layer)
    chosen = _unit(node, unit, axis_count(analysis.graph.input_shape))
    return FieldReport(analysis, node, chosen, analysis.estimator.field(node.index, chosen))


def measured_field(report: FieldReport, sampling: Sampling, progress: Progress) -> FieldReport:
    """The same report with the effective field measured by gradients.

    Raises:
        ConfigError: for images or weights that do not fit, or if there are no gradients.
        MissingRequirementError: if torch is not installed.
    """
    if report.field.is_nothing:
        whence = input_words(report.analysis.graph)
        message = f"{report.unit_text}: no way leads to it from {whence}, so that there is no gradient"
        raise single_problem(message, Code.NO_GRADIENT)
    from archlab.torch.effective import measure

    spans = unit_spans(report.analysis, report.node, report.unit)
    measured = measure(report.analysis.graph, report.node.index, report.unit, spans, sampling, progress)
    return FieldReport(report.analysis, report.node, report.unit, report.estimate, measured)


def _unit(node: Node, unit: tuple[int, ...] | None, rank: int) -> tuple[int, ...]:
    if unit is None:
        return middle_unit(node.shape, rank)
    size = map_size(node.shape) or (1,) * rank
    return checked_place("unit", unit, size, f"the output of {node.path}", "unit")
