"""`archlab receptive-field`: one layer's theoretical, estimated and measured field."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from archlab.analysis.receptive_field.growth import middle_unit
from archlab.analysis.result import Analysis
from archlab.analysis.row import Row
from archlab.api.places import checked_place, chosen_layer, seen_from
from archlab.api.shown import Shown
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.graph import Node
from archlab.layers.shape import axis_count, map_size
from archlab.report.field import FieldReport, unit_spans
from archlab.report.units import field_text
from archlab.report.viewpoint import input_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from archlab.report.plot.look import PanelOptions
    from archlab.torch.effective import Progress, Sampling


class Field(Shown, FieldReport):
    """What one unit sees, and how that grows along the network."""

    def render(self, *, columns: tuple[str, ...] = ()) -> str:
        """The table of `archlab receptive-field`.

        Args:
            columns: of the growth, these alone, such as `("size", "stride")`.

        Raises:
            ConfigError: if there is no such column.
        """
        from archlab.report.columns import View
        from archlab.report.field_table import field_table

        return field_table(self, View(columns))

    def draw(self, axes: Axes) -> None:
        """Draw how the field grows along the network onto axes of matplotlib."""
        from archlab.report.plot.growth import draw_growth
        from archlab.report.plot.style import style

        with style():
            draw_growth(axes, self)

    def save(self, path: str | Path, **look: Unpack[PanelOptions]) -> None:
        """Draw the fields over the input and their growth into a .png, .svg or .pdf file.

        Args:
            path: of the file.
            look: `size` in inches (below 6 wide the panels stand in one column), `font_size` in points, `title`.

        Raises:
            ConfigError: if it cannot be written.
        """
        from archlab.report.plot.figure import save
        from archlab.report.plot.look import PanelLook

        save(self, Path(path), PanelLook(**look))

    def _rows(self) -> list[Row]:
        return self.growth_rows()

    def _title(self) -> str:
        return f"Receptive field of {self.title()}: {field_text(self.field)}"

    __repr__ = Shown.__repr__


def receptive_field(
    analysis: Analysis,
    *,
    layer: str | None = None,
    unit: tuple[int, ...] | None = None,
    from_input: str | None = None,
) -> Field:
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
    return Field(analysis, node, chosen, analysis.estimator.field(node.index, chosen))


def measured_field(report: FieldReport, sampling: Sampling, progress: Progress) -> Field:
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
    return Field(report.analysis, report.node, report.unit, report.estimate, measured)


def _unit(node: Node, unit: tuple[int, ...] | None, rank: int) -> tuple[int, ...]:
    if unit is None:
        return middle_unit(node.shape, rank)
    size = map_size(node.shape) or (1,) * rank
    return checked_place("unit", unit, size, f"the output of {node.path}", "unit")
