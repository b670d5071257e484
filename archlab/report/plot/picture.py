"""A chart by itself, in one style for all: SVG, PNG or PDF."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.report.plot.look import Look
from archlab.report.plot.sheet import METADATA, save, write
from archlab.report.plot.style import style


class Picture:
    """A chart, drawn when it is asked for.

    Args:
        name: what it shows, for people.
        draw: gives the figure; it is called where the style is set.
        look: of the chart.
    """

    def __init__(self, name: str, draw: Callable[[], Figure], look: Look) -> None:
        self.name = name
        self.look = look
        self._draw = draw

    def to_svg(self) -> str:
        """As SVG."""
        return self._written(".svg").decode()

    def to_png(self) -> bytes:
        """As PNG."""
        return self._written(".png")

    def to_pdf(self) -> bytes:
        """As PDF, its fonts in it."""
        return self._written(".pdf")

    def save(self, path: str | Path) -> None:
        """Write it as .svg, .png or .pdf; equal charts give equal files.

        Raises:
            ConfigError: for another ending, or where the file cannot be written.
        """
        path = Path(path)
        if path.suffix not in METADATA:
            raise single_problem(f"{path}: a picture ends in .svg, .png or .pdf", Code.WRONG_VALUE)
        with style(font_size=self.look.font_size):
            write(self._draw(), path)

    def _written(self, ending: str) -> bytes:
        made = BytesIO()
        with style(font_size=self.look.font_size):
            save(self._draw(), made, ending)
        return made.getvalue()

    def __repr__(self) -> str:
        width, height = self.look.size
        return f"<Picture of {self.name}, {width:g} x {height:g} inches>"

    def _repr_svg_(self) -> str:
        """For notebooks."""
        return self.to_svg()
