"""`archlab receptive-field --projective`: which units one position of the input reaches."""

from __future__ import annotations

from archlab.analysis.receptive_field.growth import middle_unit
from archlab.analysis.result import Analysis
from archlab.api.places import checked_place, chosen_layer, seen_from
from archlab.report.projection import ProjectionReport
from archlab.report.viewpoint import input_words


def projective_field(
    analysis: Analysis,
    *,
    layer: str | None = None,
    at: tuple[int, ...] | None = None,
    from_input: str | None = None,
) -> ProjectionReport:
    """The units of every layer, and of the results, that input positions reach.

    Args:
        analysis: of the network.
        layer: path of the one that is looked at first; by default the one whose field the total gives (see
            `analysis.outputs`).
        at: row and column of the input (a place along each of its axes); by default the middle.
        from_input: which input, of several; by default the first.

    Raises:
        ConfigError: if there is no such input, layer or position, or the input has no positions.
    """
    analysis = seen_from(analysis, from_input, "projective")
    shape = analysis.graph.input_shape
    if at is None:
        return ProjectionReport(analysis, chosen_layer(analysis, layer), middle_unit(shape, len(shape) - 1))
    place = checked_place("at", at, shape[1:], input_words(analysis.graph), "position")
    return ProjectionReport(analysis, chosen_layer(analysis, layer), place)
