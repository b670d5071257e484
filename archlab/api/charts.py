"""Charts of networks: by themselves, or on axes of a caller's figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archlab.analysis.result import Analysis
from archlab.analysis.row import Row
from archlab.analysis.time.device import Device
from archlab.diagnostics.requirements import require
from archlab.report.figures import distinct_names, figures_row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from archlab.report.plot.look import LookOptions
    from archlab.report.plot.picture import Picture


def chart_of(analyses: Sequence[Analysis], device: Device | None, figure: str, look: LookOptions) -> Picture:
    """A chart of some networks.

    Args:
        analyses: of the networks.
        device: for lower bounds of time; None for none.
        figure: pareto (of several), growth, stages or memory.
        look: of the chart, where it is not the usual one.

    Raises:
        ConfigError: if there is no such chart of these networks.
        MissingRequirementError: without the extra `plot`.
    """
    require("matplotlib", "plot", "a chart")
    from archlab.report.plot.charts import chart
    from archlab.report.plot.look import Look

    def rows() -> list[Row]:
        return [figures_row(analysis, device) for analysis in analyses]

    return chart(analyses, distinct_names(analyses), rows, figure, Look(**look))


def draw_chart_on(axes: Axes, analyses: Sequence[Analysis], device: Device | None, figure: str) -> None:
    """Draw a chart of some networks.

    Args:
        axes: where.
        analyses: of the networks.
        device: for lower bounds of time; None for none.
        figure: pareto (of several), growth, stages or memory.

    Raises:
        ConfigError: if there is no such chart of these networks.
        MissingRequirementError: without the extra `plot`.
    """
    require("matplotlib", "plot", "a chart on axes")
    from archlab.report.plot.charts import draw_on

    def rows() -> list[Row]:
        return [figures_row(analysis, device) for analysis in analyses]

    draw_on(axes, analyses, distinct_names(analyses), rows, figure)
