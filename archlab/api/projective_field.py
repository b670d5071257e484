"""`archlab receptive-field --projective`: which units one position of the input reaches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from archlab.analysis.receptive_field.growth import middle_unit
from archlab.analysis.result import Analysis
from archlab.analysis.row import Row
from archlab.api.places import checked_place, chosen_layer, seen_from
from archlab.api.shown import Shown
from archlab.report.projection import ProjectionReport
from archlab.report.viewpoint import input_words

if TYPE_CHECKING:
    from archlab.report.plot.look import PanelOptions


class Projection(Shown, ProjectionReport):
    """Which units one position of the input reaches."""

    def render(self) -> str:
        """The table of `archlab receptive-field --projective`."""
        from archlab.report.projection_table import projection_table

        return projection_table(self)

    def save(self, path: str | Path, **look: Unpack[PanelOptions]) -> None:
        """Draw it into a .png, .svg or .pdf file.

        Args:
            path: of the file.
            look: `size` in inches (below 6 wide the panels stand in one column), `font_size` in points, `title`.

        Raises:
            ConfigError: if it cannot be written.
        """
        from archlab.report.plot.look import PanelLook
        from archlab.report.plot.projection import save

        save(self, Path(path), PanelLook(**look))

    def _rows(self) -> list[Row]:
        return self.rows()

    def _title(self) -> str:
        return f"Projective field of {self.title()}"

    __repr__ = Shown.__repr__


def projective_field(
    analysis: Analysis,
    *,
    layer: str | None = None,
    at: tuple[int, ...] | None = None,
    from_input: str | None = None,
) -> Projection:
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
        return Projection(analysis, chosen_layer(analysis, layer), middle_unit(shape, len(shape) - 1))
    place = checked_place("at", at, shape[1:], input_words(analysis.graph), "position")
    return Projection(analysis, chosen_layer(analysis, layer), place)
