"""How pictures are written: as `Figure.savefig` would, in one drawing instead of two."""

from __future__ import annotations

from io import BytesIO

import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from archlab.report.plot.look import PANELS, Look
from archlab.report.plot.sheet import METADATA, canvas, panels, save
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


@pytest.mark.parametrize("ending", METADATA)
def test_the_bytes_are_those_of_savefig(ending: str) -> None:
    for draw in (chart, several):
        made, expected = BytesIO(), BytesIO()
        with style():
            save(draw(), made, ending)
            draw().savefig(expected, format=ending[1:], metadata=METADATA[ending])
        assert made.getvalue() == expected.getvalue()
