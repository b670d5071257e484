"""How pictures are written: as `Figure.savefig` would, in one drawing instead of two."""

from __future__ import annotations

from io import BytesIO

import pytest

pytest.importorskip("matplotlib")

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from archlab.report.plot.look import PANELS, Look
from archlab.report.plot.sheet import METADATA, Layout, canvas, panels, save
from archlab.report.plot.style import style


def chart() -> Figure:
    """With letters, marks and a picture around which the layout has to find its places."""
    figure = canvas(Look(size=(3, 2)))
    axes = figure.add_subplot()
    axes.imshow([[0, 1], [2, 3]], aspect="auto")
    axes.plot([0, 1], [0, 1], label="of a kind")
    axes.set_ylabel("rows of the map")
    axes.legend()
    return figure


def several() -> Figure:
    figure = panels("a title", (4, 2), PANELS)
    for axes in figure.subplots(1, 2):
        axes.plot([0, 1000], [1e-3, 1], ":")
        axes.set_title("a panel", loc="left")
    return figure


def scales(layout: ConstrainedLayoutEngine) -> Figure:
    """Panels whose numbers are plain, and some with a power of ten or a distance under their titles."""
    figure = Figure(figsize=(9, 2), layout=layout)
    FigureCanvasAgg(figure)
    ranges = ((0, 1e-6), (0, 2e-3), (0, 9e4), (0, 3e6), (1000, 1000.001), (40, -1))
    for axes, (low, high) in zip(figure.subplots(1, len(ranges)), ranges, strict=True):
        axes.set_ylim(low, high)
        axes.set_title("a panel\nof several lines", loc="left")
    figure.draw_without_rendering()
    return figure


def test_titles_stand_where_matplotlib_puts_them() -> None:
    with style():
        ours, theirs = scales(Layout()), scales(ConstrainedLayoutEngine())
    above = [axes.yaxis.get_offset_text().get_text() for axes in ours.axes]
    assert [bool(text) for text in above] == [True, False, False, True, True, False]
    texts = [
        [(text.get_text(), *text.get_window_extent().bounds) for text in one.findobj(Text)] for one in (ours, theirs)
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("ending", METADATA)
def test_the_bytes_are_those_of_savefig(ending: str) -> None:
    for draw in (chart, several):
        made, expected = BytesIO(), BytesIO()
        with style():
            save(draw(), made, ending)
            draw().savefig(expected, format=ending[1:], metadata=METADATA[ending])
        assert made.getvalue() == expected.getvalue()
