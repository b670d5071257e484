"""One chart of the page by itself: SVG, PNG or PDF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from archlab.analysis.result import Analysis
from archlab.analysis.row import Row
from archlab.analysis.time.device import Device
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.requirements import require
from archlab.diagnostics.words import listed
from archlab.files.output import replacing
from archlab.report.figures import distinct_names, figures_row
from archlab.report.page.charts import Spec
from archlab.report.page.render import VEGA_LITE, chart_list

WIDTH = 760
SCALE = 2.0
"""Of a PNG, for screens with many pixels."""


class Picture:
    """A chart.

    Attributes:
        spec: in Vega-Lite, with a width of its own.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = {**spec, "width": WIDTH, "background": "white"}

    def to_svg(self) -> str:
        """As SVG."""
        import vl_convert

        return str(vl_convert.vegalite_to_svg(self.spec, vl_version=VEGA_LITE))

    def to_png(self) -> bytes:
        """As PNG."""
        import vl_convert

        return bytes(vl_convert.vegalite_to_png(self.spec, vl_version=VEGA_LITE, scale=SCALE))

    def to_pdf(self) -> bytes:
        """As PDF, its fonts in it."""
        import vl_convert

        return bytes(vl_convert.vegalite_to_pdf(self.spec, vl_version=VEGA_LITE))

    def save(self, path: str | Path) -> None:
        """Write it as .svg, .png or .pdf.

        Raises:
            ConfigError: for another ending, or where the file cannot be written.
        """
        path = Path(path)
        forms = {".svg": lambda: self.to_svg().encode(), ".png": self.to_png, ".pdf": self.to_pdf}
        if path.suffix not in forms:
            raise single_problem(f"{path}: a picture ends in .svg, .png or .pdf", Code.WRONG_VALUE)
        content = forms[path.suffix]()
        try:
            with replacing(path) as made:
                made.write_bytes(content)
        except OSError as error:
            raise single_problem(f"cannot write {path}: {error.strerror}", Code.FILE) from None

    def __repr__(self) -> str:
        return f"<Picture, {self.spec['width']} wide>"

    def _repr_svg_(self) -> str:
        """For notebooks."""
        return self.to_svg()


def picture(analyses: Sequence[Analysis], device: Device | None, figure: str) -> Picture:
    """A chart of some networks.

    Args:
        analyses: of them.
        device: for lower bounds of time; None for none.
        figure: pareto (of several), growth, stages or memory.

    Raises:
        ConfigError: if there is no such chart.
        MissingRequirementError: without the extra `report`.
    """
    require("vl_convert", "report", "a chart")

    def rows() -> list[Row]:
        return [figures_row(analysis, device) for analysis in analyses]

    known = {chart.id: chart for chart in chart_list(analyses, distinct_names(analyses), rows)}
    if figure not in known:
        raise single_problem(f"there is no chart '{figure}' here; there are {listed(known)}", Code.WRONG_VALUE)
    return Picture(known[figure].spec)
