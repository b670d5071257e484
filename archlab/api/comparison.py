"""Several networks side by side."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from archlab.analysis.row import Row
from archlab.analysis.time.device import Device, load_device
from archlab.api.analysis import Analysis
from archlab.api.load import load
from archlab.api.names import told_apart
from archlab.api.network import Network
from archlab.diagnostics.place import printable
from archlab.diagnostics.problem import ConfigError, Problem
from archlab.report.figures import comparison_row, distinct_names, figures_row
from archlab.report.rows import united

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from archlab.report.plot.look import LookOptions
    from archlab.report.plot.picture import Picture


class Comparison:
    """Analyses of several networks, one row each.

    Attributes:
        analyses: in the order asked for.
        device: of the lower bounds of time; None for none.
    """

    def __init__(self, analyses: list[Analysis], device: Device | None = None) -> None:
        self.analyses = analyses
        self.device = device

    @property
    def names(self) -> list[str]:
        """Of the networks, numbered where one is there several times."""
        return distinct_names(self.analyses)

    @property
    def rows(self) -> list[Row]:
        """One flat row for each network; a column of axes that a network has not is None."""
        rows = [comparison_row(analysis, self.device) for analysis in self.analyses]
        return united([{**row, "name": name} for row, name in zip(rows, self.names, strict=True)])

    def to_dict(self) -> dict[str, Any]:
        """The totals of every network, as `archlab compare --format json` prints them."""
        pairs = zip(self.analyses, self.names, strict=True)
        return {"networks": [{**self._network_dict(analysis), "name": name} for analysis, name in pairs]}

    def to_dataframe(self) -> pd.DataFrame:
        """One row for each network, as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def draw(self, axes: Axes, figure: str = "pareto") -> None:
        """Draw a chart onto axes of matplotlib.

        Args:
            axes: where.
            figure: pareto, growth, stages or memory.

        Raises:
            ConfigError: if there is no such chart of these networks.
            MissingRequirementError: without the extra `plot`.
        """
        from archlab.api.charts import draw_chart_on

        draw_chart_on(axes, self.analyses, self.device, figure)

    def to_html(self, *, command: str = "", title: str = "") -> str:
        """A page with table, charts and diagrams, in one file.

        Args:
            command: that made it, for the footer.
            title: of the page; the networks' names by default.

        Raises:
            MissingRequirementError: without the extra `report`.
        """
        from archlab.explain.plain import layer_text
        from archlab.report.page.render import page

        return page(self.analyses, self.device, command=command, title=title, explain=layer_text)

    def picture(self, figure: str = "pareto", **look: Unpack[LookOptions]) -> Picture:
        """A chart for a file or a notebook.

        Args:
            figure: pareto, growth, stages or memory.
            look: `size` in inches (6.6, 3.8), `font_size` in points (9), `title` (True), `x`, `y`: the figures drawn.

        Raises:
            ConfigError: if there is no such chart of these networks.
            MissingRequirementError: without the extra `plot`.
        """
        from archlab.api.charts import chart_of

        return chart_of(self.analyses, self.device, figure, look)

    def render(self, *, columns: tuple[str, ...] = (), sort: tuple[str, ...] = (), units: str = "") -> str:
        """The table of `archlab compare`.

        Args:
            columns: these alone, such as `("params", "macs")`.
            sort: by these; `-macs` has the largest first.
            units: such as `M`, `MiB`, `M,MiB` or `exact`.

        Raises:
            ConfigError: if there is no such column.
            ValueError: for what is no unit.
        """
        from archlab.report.columns import View
        from archlab.report.table import comparison_table
        from archlab.report.units import Units, in_units, read_units

        with in_units(read_units(units) if units else Units()):
            return comparison_table(self.analyses, self.device, View(columns, sort))

    def __str__(self) -> str:
        return self.render()

    def __repr__(self) -> str:
        names = ", ".join([analysis.graph.name for analysis in self.analyses[:4]])
        more = f" and {len(self.analyses) - 4} more" if len(self.analyses) > 4 else ""
        return f"<Comparison of {printable(names)}{more}>"

    def _repr_html_(self) -> str:
        """For notebooks: the table; every figure is folded."""
        from archlab.api.shown import folded_html
        from archlab.report.markup import grid_html, rows_html
        from archlab.report.table import comparison_grid

        every = folded_html("every figure", rows_html(self.rows))
        return f"<div>{grid_html(comparison_grid(self.analyses, self.device))}{every}</div>"

    def _network_dict(self, analysis: Analysis) -> dict[str, Any]:
        full = analysis.to_dict()
        del full["layers"]
        figures = figures_row(analysis, self.device)
        full["total"]["depth"] = figures["depth"]
        full["total"]["intensity"] = figures["intensity"]
        if self.device is not None:
            full["total"]["lower_bound"] = {"device": self.device.name, "seconds": figures["seconds"]}
        return full


def compare(
    targets: Iterable[str | Path | Network],
    *,
    batch: int = 1,
    dtype: str = "float32",
    device: str | Path | None = None,
    training: dict[str, Any] | None = None,
    **options: Any,
) -> Comparison:
    """Analyse several networks.

    Args:
        targets: YAML paths, `path@variant`, presets, or networks already loaded.
        batch: number of samples.
        dtype: float32, float16, bfloat16 or int8.
        device: for lower bounds of time: a name such as `a100`, or a .yaml file; by default there are none.
        training: how a training step is done: `optimizer`, `autocast`, `checkpoint`, `channels_last` of `analyze`.
        options: `input` and params, as for `load`, for all of them.

    Raises:
        ConfigError: with the problems of all targets.
    """
    problems: list[Problem] = []
    networks: list[Network] = []
    for target in targets:
        try:
            networks.append(target if isinstance(target, Network) else load(target, **options))
        except ConfigError as error:
            problems += error.problems
    analyses: list[Analysis] = []
    for network in told_apart(networks):
        try:
            analyses.append(network.analyze(batch=batch, dtype=dtype, **(training or {})))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return Comparison(analyses, None if device is None else load_device(str(device)))
