"""All numbers of one network: one result, many views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from archlab.analysis import Analysis as AnalysisData
from archlab.analysis.row import Row

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

    from archlab.analysis.memory.fit import Fit
    from archlab.api.changes import Changes
    from archlab.api.diagram import Diagram
    from archlab.api.explained import Explained
    from archlab.api.memory import Memory
    from archlab.api.projective_field import Projection
    from archlab.api.receptive_field import Field
    from archlab.api.timing import Bounds
    from archlab.report.plot.look import LookOptions
    from archlab.report.plot.picture import Picture


class Analysis(AnalysisData):
    """The numbers of a network, with their views."""

    __doc__ = AnalysisData.__doc__

    def to_dict(self) -> Row:
        """The result as `archlab analyze --format json` prints it."""
        from archlab.report.rows import analysis_dict

        return analysis_dict(self)

    def to_dataframe(self) -> pd.DataFrame:
        """One row for each layer, as a pandas DataFrame."""
        import pandas as pd

        from archlab.report.rows import layer_rows

        return pd.DataFrame(layer_rows(self))

    def receptive_field(
        self, layer: str | None = None, unit: tuple[int, ...] | None = None, *, from_input: str | None = None
    ) -> Field:
        """What one unit sees, as `archlab receptive-field` says it.

        Args:
            layer: its path; by default the one whose field the total gives.
            unit: row and column in its map; by default the middle.
            from_input: which input's positions, of several; by default the first's.

        Raises:
            ConfigError: if there is no such input, layer or unit, or the input has no positions.
        """
        from archlab.api.receptive_field import receptive_field

        return receptive_field(self, layer=layer, unit=unit, from_input=from_input)

    def projective_field(
        self, layer: str | None = None, at: tuple[int, ...] | None = None, *, from_input: str | None = None
    ) -> Projection:
        """Which units one position of the input reaches, as `archlab receptive-field --projective` says it.

        Args:
            layer: path of the one that is looked at first; by default the one whose field the total gives.
            at: row and column of the input; by default the middle.
            from_input: which input, of several; by default the first.

        Raises:
            ConfigError: if there is no such input, layer or position, or the input has no positions.
        """
        from archlab.api.projective_field import projective_field

        return projective_field(self, layer=layer, at=at, from_input=from_input)

    def explain(self, path: str) -> Explained:
        """A layer's formulas with its numbers, or a block's, as `archlab explain` prints them.

        Raises:
            ConfigError: if there is neither.
        """
        from archlab.api.explained import explained

        return explained(self, path)

    def memory(self, *, training: bool = False) -> Memory:
        """Bytes alive in a forward pass, or in a training step, as `archlab memory` says it.

        Raises:
            ConfigError: for a training step that PyTorch refuses.
        """
        from archlab.api.memory import memory_view

        return memory_view(self, training=training)

    def fit(self, memory: int | str, *, training: bool = False) -> Fit:
        """The largest batch that a memory holds.

        Args:
            memory: in bytes, or as `24GiB`.
            training: of a training step instead of a forward pass.

        Raises:
            ConfigError: for what is no size, or a training step that PyTorch refuses.
        """
        from archlab.api.memory import largest_fit, size_of

        return largest_fit(self, size_of(memory), training=training)

    def time(self, device: str | Path = "h100") -> Bounds:
        """A lower bound of each layer's time, as `archlab time` says it.

        Args:
            device: its name, or a .yaml file.

        Raises:
            ConfigError: if there is no such device, or it has no rate for the dtype.
        """
        from archlab.analysis.time.device import load_device
        from archlab.api.timing import time_view

        return time_view(self, load_device(str(device)))

    def diff(self, other: AnalysisData) -> Changes:
        """What changed from this network to another one."""
        from archlab.api.changes import Changes

        return Changes(self, other)

    def diagram(self, depth: int | None = None) -> Diagram:
        """Stages, blocks and skips.

        Args:
            depth: parts of the path that make a box; by default what shows best.
        """
        from archlab.api.diagram import Diagram

        return Diagram(self, depth)

    def picture(self, figure: str = "growth", **look: Unpack[LookOptions]) -> Picture:
        """A chart for a file or a notebook.

        Args:
            figure: growth, stages or memory.
            look: `size` in inches (6.6, 3.8), `font_size` in points (9), `title` (True), and `y`: the figure drawn.

        Raises:
            ConfigError: if there is no such chart.
            MissingRequirementError: without the extra `plot`.
        """
        from archlab.api.charts import chart_of

        return chart_of([self], None, figure, look)

    def draw(self, axes: Axes, figure: str = "growth") -> None:
        """Draw a chart onto axes of matplotlib.

        Args:
            axes: where.
            figure: growth, stages or memory.

        Raises:
            ConfigError: if there is no such chart.
            MissingRequirementError: without the extra `plot`.
        """
        from archlab.api.charts import draw_chart_on

        draw_chart_on(axes, [self], None, figure)

    def to_html(self, *, title: str = "") -> str:
        """The page of the network, in one file.

        Raises:
            MissingRequirementError: without the extra `report`.
        """
        from archlab.explain.plain import layer_text
        from archlab.report.page.render import page

        return page([self], None, command="", title=title, explain=layer_text)

    def render(
        self, depth: int | None = 2, *, columns: tuple[str, ...] = (), sort: tuple[str, ...] = (), units: str = ""
    ) -> str:
        """The table of `archlab analyze`, with its totals.

        Args:
            depth: of blocks to fold to; None folds nothing.
            columns: these alone, such as `("params", "macs")`.
            sort: by these; `-macs` has the largest first.
            units: such as `M`, `MiB`, `M,MiB` or `exact`.

        Raises:
            ConfigError: if there is no such column.
            ValueError: for what is no unit.
        """
        from archlab.report.columns import View
        from archlab.report.table import analysis_table
        from archlab.report.units import Units, in_units, read_units

        with in_units(read_units(units) if units else Units()):
            return analysis_table(self, depth, View(columns, sort))

    def __str__(self) -> str:
        return self.render()

    def _repr_html_(self) -> str:
        """For notebooks: totals and blocks; the layers are folded."""
        from archlab.report.markup import analysis_html

        return analysis_html(self)
