"""Empty figures, of one chart or of several panels, and how they are written."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from textwrap import wrap
from typing import Any, BinaryIO

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.files.output import replacing
from archlab.report.plot.look import Look, PanelLook

METADATA: dict[str, dict[str, Any]] = {
    ".svg": {"Date": None},
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None},
}
"""By the endings of pictures: nothing in a file is of the day it was made."""
BACKENDS = {".svg": "svg", ".png": "agg", ".pdf": "pdf"}
"""Of matplotlib's, by the same endings."""
LETTER = 0.7
"""Of a bold letter, its width over its height."""
PANEL = 0.75
"""Of a narrow figure's width, what a panel takes with its title."""


class Layout(ConstrainedLayoutEngine):
    """Panels in their places.

    Above a vertical axis may stand a power of ten, over which a title has to be, and matplotlib measures all numbers
    of the axis to know it, three times a picture. Where there can be none, the title's place is said: for good, and
    with the rest of its looks as the settings have it, so that limits have to be final, and `style` entered.
    """

    def execute(self, fig: Figure) -> None:
        """Put all panels into their places."""
        for axes in fig.axes:
            title = axes.get_title("left")
            if title and _has_plain_numbers(axes):
                axes.set_title(title, loc="left", y=1)
        super().execute(fig)


def _has_plain_numbers(axes: Axes) -> bool:
    """Whether the vertical axis has none that matplotlib writes with a power of ten, or as a distance from another."""
    low, high = sorted(axes.get_ylim())
    largest = max(-low, high)
    return 1e-3 <= largest <= 1e5 and high - low > 0.01 * largest


def canvas(look: Look) -> Figure:
    """An empty figure of one chart."""
    figure = Figure(figsize=look.size, layout=Layout(w_pad=0.04, h_pad=0.04))
    FigureCanvasAgg(figure)
    return figure


def panels(title: str, size: tuple[float, float], look: PanelLook) -> Figure:
    """An empty figure of several panels, within `style`.

    Args:
        title: cut to what fits.
        size: what the panels need, in inches.
        look: of the picture.
    """
    pads = (0.08, 0.04) if look.is_narrow else (0.12, 0.1)
    layout = Layout(w_pad=pads[0], h_pad=pads[1], hspace=0.04, wspace=0.03)
    figure = Figure(figsize=look.size or size, layout=layout)
    FigureCanvasAgg(figure)
    if look.title:
        most = _letters(figure.get_figwidth(), float(mpl.rcParams["figure.titlesize"]))
        lines = wrap(title, most, max_lines=2 if look.is_narrow else 1, placeholder="…")
        figure.suptitle("\n".join(lines), x=0.012, ha="left", fontweight="bold")
    return figure


def fit_narrow(figure: Figure) -> None:
    """Numbers along short axes apart from one another, and titles of panels in as many lines as they need."""
    for axes in figure.axes:
        for ruler in (axes.xaxis, axes.yaxis):
            locator = ruler.get_major_locator()
            if isinstance(locator, MaxNLocator):
                locator.set_params(nbins="auto")
        most = _letters(figure.get_figwidth() * PANEL, float(mpl.rcParams["axes.titlesize"]))
        axes.set_title("\n".join(wrap(axes.get_title("left"), most)))


def _letters(inches: float, points: float) -> int:
    """How many bold letters of a size stand in a line."""
    return max(10, int(inches * 72 / (LETTER * points)))


def save(figure: Figure, made: Path | BinaryIO, ending: str) -> None:
    """A figure to a file, within `style`; the same bytes as `Figure.savefig` writes.

    That draws every figure with a layout twice, the first time for its layout alone.

    Args:
        figure: of no use afterwards.
        made: the file, or its name.
        ending: of `METADATA`: the form.
    """
    figure.set_dpi(float(mpl.rcParams["savefig.dpi"]))
    backend = import_module(f"matplotlib.backends.backend_{BACKENDS[ending]}")
    getattr(backend.FigureCanvas(figure), f"print_{ending[1:]}")(made, metadata=METADATA[ending])


def write(figure: Figure, path: Path) -> None:
    """A figure to a file, without the time of day.

    Raises:
        ConfigError: if the file cannot be written.
    """
    try:
        with replacing(path) as made:
            if path.suffix in METADATA:
                save(figure, made, path.suffix)
            else:
                figure.savefig(made)
    except OSError as error:
        raise single_problem(f"cannot write {path}: {error.strerror or error}", Code.UNWRITABLE) from None
