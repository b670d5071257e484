"""Pictures of several panels in a column of an article: in one column, nothing beyond the paper, no numbers meeting."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from archlab.api.load import load, loads
from archlab.cli.main import main
from archlab.report.plot import figure as fields
from archlab.report.plot import projection, timeline
from archlab.report.plot.look import PanelLook
from archlab.report.plot.style import style

SPEECH = "input: [1, 4000]\nlayers: [{type: conv1d, out_channels: 2, kernel_size: 9, stride: 2, repeat: 3}]"
VIDEO = "input: [1, 8, 24, 24]\nlayers: [{type: conv3d, out_channels: 2, kernel_size: 3, padding: 1, repeat: 2}]"
WIDTH = 3.3

PICTURES: dict[str, tuple[float, Callable[[PanelLook], Figure]]] = {
    "two axes": (7.5, lambda look: fields.draw(load("resnet18").receptive_field(), look)),
    "one axis": (6, lambda look: fields.draw(loads(SPEECH).receptive_field(), look)),
    "three axes": (12, lambda look: fields.draw(loads(VIDEO).receptive_field(), look)),
    "projective": (8, lambda look: projection.draw(load("alexnet").projective_field(at=(12, 40)), look)),
    "memory": (3, lambda look: timeline.draw(load("unet").memory(training=True), look)),
}


@pytest.fixture(scope="module", params=PICTURES)
def drawn(request: pytest.FixtureRequest) -> Figure:
    height, draw = PICTURES[request.param]
    look = PanelLook((WIDTH, height), 7)
    with style(font_size=look.font_size):
        figure = draw(look)
        figure.draw_without_rendering()
    return figure


def extents(figure: Figure, artists: list[Any]) -> list[Any]:
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    return [one.get_window_extent(renderer) for one in artists if one.get_visible() and one.get_text()]


def test_nothing_reaches_beyond_the_paper(drawn: Figure) -> None:
    texts = [text for text in drawn.findobj(lambda one: hasattr(one, "get_text")) if text.get_text()]  # type: ignore[attr-defined]
    ticks = {id(tick.label1) for axes in drawn.axes for ruler in (axes.xaxis, axes.yaxis) for tick in ruler.majorTicks}
    width, height = drawn.bbox.width, drawn.bbox.height
    for box, text in zip(extents(drawn, texts), [text for text in texts if text.get_visible()], strict=True):
        if id(text) in ticks:
            continue  # of ticks outside of the limits, too
        assert box.x0 >= -1, text
        assert box.x1 <= width + 1, text
        assert -1 <= box.y0 <= box.y1 <= height + 1, text


def test_panels_stand_below_one_another(drawn: Figure) -> None:
    panels = [axes for axes in drawn.axes if axes.get_title("left")] or drawn.axes[:1]
    boxes = [axes.get_position() for axes in panels]
    for above, below in pairwise(boxes):
        assert below.y1 <= above.y0


def test_numbers_do_not_meet(drawn: Figure) -> None:
    for axes in drawn.axes:
        low, high = sorted(axes.get_xlim())
        labels = [
            tick.label1 for tick, at in zip(axes.xaxis.get_major_ticks(), axes.get_xticks(), strict=False)
            if low <= at <= high and tick.label1.get_rotation() == 0
        ]  # fmt: skip
        boxes = sorted(extents(drawn, labels), key=lambda box: box.x0)
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes)), axes.get_title("left")


def test_letters_have_one_size(drawn: Figure) -> None:
    sizes = {text.get_fontsize() for axes in drawn.axes for text in (axes.xaxis.label, axes.yaxis.label)}
    assert sizes == {7}


@pytest.mark.parametrize(
    "command",
    [["receptive-field", "resnet18"], ["receptive-field", "resnet18", "--projective"], ["memory", "resnet18"]],
)
def test_the_commands(command: list[str], tmp_path: Path) -> None:
    path = tmp_path / "x.pdf"
    assert main([*command, "-o", str(path), "--size", "3.3x6", "--font-size", "7", "--no-title"]) == 0
    content = path.read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
    box = re.search(rb"/MediaBox \[ *0 0 ([\d.]+) ([\d.]+)", content)
    assert box is not None
    assert [float(side) for side in box.groups()] == pytest.approx([3.3 * 72, 6 * 72], abs=1)
