"""Charts for papers: what stands on their axes, that nothing is hidden, contrast, fonts, sizes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from archlab.api.comparison import Comparison, compare
from archlab.cli.main import main
from archlab.report.figures import FIGURES, figures_row
from archlab.report.page.charts import COLOURS
from archlab.report.plot import style as styles
from archlab.report.plot.charts import Asked, draw_chart
from archlab.report.plot.look import Look
from archlab.report.plot.style import SERIES, SERIES_DASHES, style
from archlab.report.plot.timeline import HATCHES, OPTIMIZER
from tests.report.test_diagram import contrast

NAMES = ("resnet18", "resnet50", "resnext50_32x4d", "vgg11", "mobilenet_v2")


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare(NAMES, batch=2)


def made(comparison: Comparison, figure: str, **look: object) -> tuple[Figure, Axes]:
    """A chart as it is before it is drawn to be shown."""
    rows = [figures_row(one, None) for one in comparison.analyses]
    chosen = Look(**look)  # type: ignore[arg-type]
    with style(font_size=chosen.font_size):
        canvas = draw_chart(Asked(comparison.analyses, NAMES, rows, chosen), figure)
    return canvas, canvas.axes[0]


def drawn(comparison: Comparison, figure: str, **look: object) -> tuple[Figure, Axes]:
    """A chart with everything in its place."""
    canvas, axes = made(comparison, figure, **look)
    with style(font_size=Look(**look).font_size):  # type: ignore[arg-type]
        canvas.draw_without_rendering()
    return canvas, axes


@pytest.mark.parametrize(
    "x", [figure.key for figure in FIGURES if figure.key not in ("flash", "ram", "arena", "seconds")]
)
def test_any_two_figures(comparison: Comparison, x: str) -> None:
    """Points are the figures, in the unit that the axis names."""
    _, axes = made(comparison, "pareto", x=x, y="training_peak")
    units = {"k": 1e3, "M": 1e6, "G": 1e9, "MiB": 2**20, "GiB": 2**30}
    unit = re.search(r"\((\w+)", axes.get_xlabel())
    by = units.get(unit[1], 1) if unit else 1
    shown = [np.asarray(line.get_xdata()) for line in axes.lines if line.get_marker() in ("o", "s")]
    points = [float(one[0]) * by for one in shown]
    assert points == pytest.approx([figures_row(one, None)[x] for one in comparison.analyses])
    assert axes.get_ylabel() == "memory, training (GiB, batch 2, float32)"
    assert {text.get_text() for text in axes.texts} == set(NAMES)


def test_the_front_is_of_those_that_no_other_beats(comparison: Comparison) -> None:
    _, axes = made(comparison, "pareto", x="macs", y="receptive_field")
    best = [name for name, line in zip(NAMES, [one for one in axes.lines if one.get_marker() != "None"], strict=True)
            if line.get_marker() == "o"]  # fmt: skip
    rows = {name: figures_row(one, None) for name, one in zip(NAMES, comparison.analyses, strict=True)}
    beaten = [
        name for name in NAMES
        if any(rows[o]["macs"] <= rows[name]["macs"] and rows[o]["receptive_field"] >= rows[name]["receptive_field"]
               and o != name for o in NAMES)
    ]  # fmt: skip
    assert set(best) == set(NAMES) - set(beaten)


@pytest.mark.parametrize("figure", ["growth", "memory"])
def test_no_line_hides_another(comparison: Comparison, figure: str) -> None:
    """Every network is named at a line; lines differ in colour, in width and from their neighbours in dashes."""
    _, axes = drawn(comparison, figure)
    lines = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    named = ", ".join([text.get_text() for text in axes.texts if isinstance(text, Annotation)])
    assert all(name in named for name in NAMES)
    assert len({line.get_color() for line in lines}) == len(lines)
    widths = [line.get_linewidth() for line in lines]
    assert widths == sorted(set(widths), reverse=True)
    assert len({tuple(line.get_ydata()) for line in lines}) == len(lines)  # type: ignore[arg-type]
    assert len(lines) == (4 if figure == "growth" else 5)  # ResNet-50 and ResNeXt-50 see the same


def test_axes_name_quantities_and_units(comparison: Comparison) -> None:
    expected = {
        "growth": ("layer, in file order", "receptive field (positions\nof the input, height)"),
        "memory": ("progress through the training step (% of its moments)", "memory alive (GiB,\nbatch 2, float32)"),
        "stages": ("params (M), by stage in order", ""),
        "pareto": ("MACs (G, batch 2)", "params (M)"),
    }
    for figure, labels in expected.items():
        _, axes = drawn(comparison, figure)
        assert (axes.get_xlabel(), axes.get_ylabel()) == labels
    assert (
        drawn(comparison, "stages", y="output_bytes")[1]
        .get_xlabel()
        .startswith("outputs of layers (MiB, batch 2, float32)")
    )


def test_names_do_not_meet(comparison: Comparison) -> None:
    for figure in ("pareto", "growth", "memory"):
        for size in ((3.3, 2.2), (6.6, 3.8)):
            canvas, axes = drawn(comparison, figure, size=size, font_size=7, title=False)
            renderer = canvas.canvas.get_renderer()  # type: ignore[attr-defined]
            texts = [text for text in axes.texts if not text.get_text().startswith("input")]
            boxes = [Annotation.get_window_extent(text, renderer).shrunk(1, 0.9) for text in texts]  # type: ignore[arg-type]
            plain = [super(Annotation, text).get_window_extent(renderer).shrunk(1, 0.85) for text in texts]  # type: ignore[misc]
            assert len(boxes) == len(plain)
            assert not any(a is not b and a.overlaps(b) for a in plain for b in plain), (figure, size)


def test_stages_add_up(comparison: Comparison) -> None:
    _, axes = drawn(comparison, "stages", y="macs")
    sums = [0.0] * len(NAMES)
    for bar in axes.patches:
        sums[round(bar.get_y() + bar.get_height() / 2)] += bar.get_width()  # type: ignore[attr-defined]
    assert sums == pytest.approx([one.total.macs / 1e9 for one in comparison.analyses])


def test_contrast() -> None:
    """3 to 1 on white for all that stands for something; on dark pages too for what stands there."""
    named = {name: value for name, value in vars(styles).items() if isinstance(value, str) and value.startswith("#")}
    for name in set(named) - {"PADDING", "HOLES", "LIGHT"}:  # areas that are no data, or have an edge
        assert contrast(named[name], "#ffffff") >= 3, name
    assert contrast(styles.LIGHT, SERIES[0]) >= 3  # its edge, and the parts beside it
    assert contrast(styles.LIGHT, styles.INK) >= 4.5
    assert contrast("#ffffff", SERIES[0]) >= 4.5  # letters
    for colour in (*SERIES, OPTIMIZER, *COLOURS):
        assert contrast(colour, "#ffffff") >= 3, colour
    assert min(contrast(colour, "#16191c") for colour in COLOURS) >= 3
    assert len(set(zip(SERIES, SERIES_DASHES * 2, strict=False))) == len(SERIES)
    assert len([hatch for hatch in HATCHES if hatch]) >= 4


def test_pdf_has_true_type_fonts(tmp_path: Path) -> None:
    plot = tmp_path / "c.pdf"
    size = ["--size", "3.3x2.2", "--font-size", "7", "--no-title"]
    command = ["compare", *NAMES[:2], "-o", str(tmp_path / "c.json"), "--figure", "growth", "--plot", str(plot), *size]
    assert main(command) == 0
    content = plot.read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
    box = re.search(rb"/MediaBox \[ *0 0 ([\d.]+) ([\d.]+)", content)
    assert box is not None
    assert [float(side) for side in box.groups()] == pytest.approx([3.3 * 72, 2.2 * 72], abs=1)
    assert main(command) == 0
    assert plot.read_bytes() == content


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--figure", "memory", "--y", "macs"],
            "--y macs: of --figure memory it must be one of inference_peak, training_peak",
        ),
        (["--figure", "growth", "--x", "macs"], "--x is of --figure pareto, not of growth"),
        (["--figure", "growth", "--y", "macs"], "--y macs: of --figure growth it must be left out"),
        (["--x", "speed"], "--x speed: of --figure pareto it must be one of layers, depth, params"),
        (["--size", "0x3"], "must be width x height from 1 to 40 inches, as 3.3x2.2, not '0x3'"),
        (["--font-size", "2"], "must be from 4 to 40 points, not '2'"),
        (["--plot", "x.gif"], "--plot x.gif: the ending must be one of .png .svg .pdf"),
    ],
)
def test_wrong_choices(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["compare", "alexnet", "vgg11", "--plot", "x.svg", *words])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
