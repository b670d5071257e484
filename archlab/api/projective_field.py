"""`archlab receptive-field --projective`: which units one position of the input reaches."""

from __future__ import annotations

from archlab.analysis.receptive_field.growth import middle_unit
from archlab.analysis.result import Analysis
from archlab.api.places import checked_place, chosen_layer, require_positions
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.report.projection import ProjectionReport


def projective_field(
    analysis: Analysis, *, layer: str | None = None, at: tuple[int, ...] | None = None
) -> ProjectionReport:
    """The units of every layer, and of the results, that input positions reach.

    Args:
        analysis: of the network.
        layer: path of the one that is looked at first; by default the one whose field the total gives (see
            `analysis.outputs`).
        at: row and column of the input (a place along each of its axes); by default the middle.

    Raises:
        ConfigError: if there is no such layer or position, or the input has no positions.
    """
    graph = analysis.graph
    require_positions(graph, "projective")
    if len(graph.inputs) > 1:
        message = f"{graph.name} has {len(graph.inputs)} inputs; projective fields are those of a network with one"
        raise single_problem(message, Code.UNSUPPORTED)
    shape = graph.input_shape
    if at is None:
        return ProjectionReport(analysis, chosen_layer(analysis, layer), middle_unit(shape, len(shape) - 1))
    place = checked_place("at", at, shape[1:], "the input", "position")
    return ProjectionReport(analysis, chosen_layer(analysis, layer), place)
