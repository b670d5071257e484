"""Pictures: what they show, that they are deterministic, and that names are text."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from archlab.api.load import load, loads
from archlab.api.receptive_field import measured_field, receptive_field
from archlab.cli.main import main
from archlab.diagnostics.problem import ConfigError
from archlab.report.field import FieldReport
from archlab.report.plot.figure import draw, save
from archlab.report.plot.style import style
from archlab.report.plot.view import PLANES, measured_grid, product_grid, read_flags, view_of
from archlab.torch.effective import Sampling

DILATED = """
name: dilated
input: [1, 64, 64]
layers: [{type: conv2d, out_channels: 2, kernel_size: 3, dilation: 2, padding: 2, repeat: 3}]
"""


def report_of(text: str, *, measure: bool = False) -> FieldReport:
    report = receptive_field(loads(text).analyze())
    return measured_field(report, Sampling(samples=1), iter) if measure else report


def texts(figure: Figure) -> str:
    words = [text.get_text() for axes in figure.axes for text in (axes.get_legend() or axes).findobj(mpl.text.Text)]
    return "\n".join([*words, *(axes.get_title(loc="left") for axes in figure.axes)])


def test_what_a_picture_says() -> None:
    with style():
        shown = texts(draw(report_of(DILATED, measure=True)))
    for words in (
        *("theoretical field: 13 x 13", "95 % of the weight along each axis: 13 x 13", "input: 64 x 64"),
        *("holes: in the field, never read", "estimate, std 2.8 positions", "measured, rows", "measured, columns"),
        *("Growth along the network", "Measured: squared gradients, 1 sample"),
    ):
        assert words in shown, words


def test_critical_and_border_layers_are_marked() -> None:
    conv = "{type: conv2d, out_channels: 1, kernel_size: 5, padding: auto, repeat: 6}"
    with style():
        shown = texts(draw(report_of(f"input: [1, 12, 12]\nlayers: [{conv}]")))
    assert "border layer:\nconv4" in shown
    assert "unproductive layer" in shown


def test_the_grids() -> None:
    report = report_of(DILATED)
    assert report.estimate is not None
    grid, box = product_grid(report.estimate)
    assert box == (25.5, 38.5, 25.5, 38.5)
    assert grid.max() == grid[6, 6] == 1
    read = np.outer(read_flags(report, 0), read_flags(report, 1))
    assert ((grid > 0) == read).all()
    assert read.sum() == 49
    view = view_of(report)
    assert view.is_close
    assert not view.cuts_field


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_equal_reports_give_equal_files(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = receptive_field(load("resnet18", input=(3, 64, 64)).analyze())
    save(report, tmp_path / f"a.{suffix}")
    monkeypatch.setitem(mpl.rcParams, "figure.facecolor", "red")  # a user's own settings
    monkeypatch.setitem(mpl.rcParams, "font.size", 30)
    save(report, tmp_path / f"b.{suffix}")
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    assert mpl.rcParams["font.size"] == 30


def test_names_are_text_and_never_formulas(tmp_path: Path) -> None:
    name = r"$\frac{1}{$ <b>&--> _x^2 \u0905漢"
    config = f'name: "{name.encode("unicode_escape").decode()}"' + DILATED.replace("name: dilated", "")
    save(report_of(config), tmp_path / "x.svg")
    text = (tmp_path / "x.svg").read_text(encoding="utf-8")
    ET.fromstring(text)  # noqa: S314 - our own file
    save(report_of(config), tmp_path / "x.png")


KINDS = (
    "input: [1, 40, 70]\nlayers: [{type: conv2d, out_channels: 2, kernel_size: [3, 9], dilation: [3, 1]}]",
    "input: [1, 9, 9]\nlayers: [{type: conv2d, out_channels: 1, kernel_size: 3, dilation: 900, padding: auto}]",
    "input: [1, 40]\nlayers: [{type: conv1d, out_channels: 2, kernel_size: 3}]",
    "input: [1, 9, 40, 70]\nlayers: [{type: conv3d, out_channels: 2, kernel_size: [1, 3, 9]}]",
)
"""Of two axes, with a field far larger than the input, of one axis and of three."""
OTHER_KINDS = (
    "input: [1, 9, 9]\nlayers: [{type: conv2d, out_channels: 2, kernel_size: 9}, {type: relu}]",
    "input: [1, 1, 1]\nlayers: [{type: conv2d, out_channels: 2, kernel_size: 7, padding: 3}]",
    "input: [1, 6, 9]\nlayers: [{type: adaptive_avg_pool2d, output_size: [4, 5]}]",
    "input: [1, 6, 9]\nlayers: [{type: adaptive_avg_pool2d, output_size: [1, 5]}]",
    "input: [1, 8, 8]\nlayers: [{type: adaptive_avg_pool2d, output_size: 1}]",
    "input: [1, 1]\nlayers: [{type: conv1d, out_channels: 2, kernel_size: 7, padding: 3}]",
    "input: [1, 3, 4, 5]\nlayers: [{type: adaptive_avg_pool3d, output_size: [1, 2, 5]}]",
    "input: [1, 3, 4, 5]\nlayers: [{type: adaptive_avg_pool3d, output_size: 1}]",
)
"""The same lines, areas, maps and texts as in those above, at other places: all is drawn but for the pixels."""


def test_every_kind_of_field_is_drawn(tmp_path: Path) -> None:
    for number, text in enumerate(KINDS):
        save(report_of(text), tmp_path / f"{number}.png")
    for text in OTHER_KINDS:
        with style():
            draw(report_of(text)).draw_without_rendering()


ONE_AXIS = (
    "input: [1, 64]\nlayers: [{type: conv1d, out_channels: 2, kernel_size: 3, dilation: 2, padding: 2, repeat: 3}]"
)
THREE_AXES = """
input: [1, 9, 16, 16]
layers: [{type: conv3d, out_channels: 2, kernel_size: [3, 5, 5], dilation: [1, 2, 2], padding: auto, repeat: 2}]
"""


def test_one_axis_is_a_band() -> None:
    report = report_of(ONE_AXIS, measure=True)
    with style():
        shown = texts(draw(report))
    for words in (
        *("theoretical field: 13", "95 % of the weight: 13 (estimate), 13 (measured)"),
        *("holes: in the field, never read", "measured, std", "input: 64", "Weight of each position"),
    ):
        assert words in shown, words
    assert not {"row", "rows", "column", "columns"} & set(shown.split())
    assert report.estimate is not None
    grid, box = product_grid(report.estimate, PLANES[1][0])
    assert (grid.shape, box) == ((1, 13), (25.5, 38.5, -0.5, 0.5))
    assert grid[0] == pytest.approx(np.asarray(report.estimate.axes[0].weights) / max(report.estimate.axes[0].weights))


def test_a_logarithmic_scale_has_plain_numbers() -> None:
    report = report_of("input: [1, 16000]\nlayers: [{type: conv1d, out_channels: 2, kernel_size: 80, repeat: 3}]")
    with style():
        figure = draw(report)
        growth = next(axes for axes in figure.axes if axes.get_title(loc="left").startswith("Growth"))
        figure.draw_without_rendering()
        labels = [label.get_text() for label in growth.get_yticklabels()]
    assert "256" in labels
    assert not any("math" in label for label in labels)


def test_three_axes_are_three_planes() -> None:
    report = report_of(THREE_AXES, measure=True)
    with style():
        shown = texts(draw(report))
    for words in (
        *(
            "theoretical field: 5 x 17 x 17",
            "input: 9 x 16 x 16",
            "Weight of each slice",
            "Weight of each row or column",
        ),
        *(f"Estimate, summed over the {word}" for word in ("slices", "rows", "columns")),
        *("measured, slices", "theoretical field, depth", "theoretical field, height and width"),
    ):
        assert words in shown, words


def test_planes_are_sums_along_the_third_axis() -> None:
    report = report_of(THREE_AXES, measure=True)
    assert report.estimate is not None
    assert report.measured is not None
    weights = [np.asarray(axis.weights) for axis in report.estimate.axes]
    whole = np.einsum("d,h,w->dhw", *weights)
    shares = np.asarray(report.measured.shares)
    for plane in PLANES[3]:
        (left,) = {0, 1, 2} - {*plane}
        estimated, _ = product_grid(report.estimate, plane)
        np.testing.assert_allclose(estimated, whole.sum(left) / whole.sum(left).max())
        measured, box = measured_grid(report.measured.shares, plane)
        summed = shares.sum(left)
        np.testing.assert_allclose(measured, np.minimum(summed / np.quantile(summed[summed > 0], 0.995), 1))
        assert box == (-0.5, summed.shape[1] - 0.5, -0.5, summed.shape[0] - 0.5)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.svg"
    assert main(["receptive-field", "vgg11", "-o", str(path)]) == 0
    assert capsys.readouterr() == ("", "")
    assert path.read_text().startswith("<?xml")
    assert main(["receptive-field", "vgg11", "-o", str(tmp_path / "none" / "x.png")]) == 1
    assert "cannot write" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["receptive-field", "vgg11", "-o", "x.bmp"])
    assert "must be one of .json .csv .md .txt .png .svg" in capsys.readouterr().err


def test_nothing_to_draw() -> None:
    text = "input: [1, 9, 9]\nlayers: [{type: conv2d, out_channels: 1, kernel_size: 3, dilation: 40000, padding: auto}]"
    with pytest.raises(ConfigError, match="there is nothing to draw"), style():
        draw(report_of(text))


def test_who_lacks_matplotlib_is_told_the_line_to_type(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'matplotlib' else find(name, *rest)\n"
        "from archlab.cli.main import main\n"
        f"sys.exit(main(['receptive-field', 'vgg11', '-o', {str(tmp_path / 'x.png')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    expected = 'drawing a picture needs matplotlib, which is not installed: pip install "archlab[plot]"'
    assert done.stderr == f"archlab: {expected}\n"


def test_the_table_needs_nothing_heavy() -> None:
    code = (
        "import sys; from archlab.cli.main import main; main(['receptive-field', 'resnet50'])\n"
        "print([n for n in ('torch', 'numpy', 'pandas', 'matplotlib') if n in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stderr == "[]\n"
    assert "layer4.2.conv2" in done.stdout


def circle(figure: Figure) -> tuple[str, list[float]]:
    """What is said of the unit in the growth, and at which sizes it is drawn."""
    (line,) = [
        line for axes in figure.axes for line in axes.lines if str(line.get_label()).startswith("the unit above")
    ]
    return str(line.get_label()), [float(y) for y in np.asarray(line.get_ydata())]


@pytest.mark.parametrize(("unit", "size"), [((128, 128), 188), ((120, 120), 204)])
def test_the_circle_is_at_the_size_of_the_unit_in_the_map(unit: tuple[int, int], size: int) -> None:
    report = receptive_field(load("unet_transposed").analyze(), unit=unit)
    with style():
        figure = draw(report)
    assert f"theoretical field: {size} x {size}\n(units of its layer: 188 or 204)" in texts(figure)
    assert circle(figure) == (f"the unit above: {size} x {size}\n(units of its layer: 188 or 204)", [size])


def test_the_circle_where_the_axes_differ_or_everything_is_seen() -> None:
    conv = "{type: conv2d, out_channels: 2, kernel_size: [3, 9]}"
    whole = "{type: global_avg_pool2d}, {type: interpolate, size: [20, 30]}"
    with style():
        assert circle(draw(report_of(f"input: [1, 40, 40]\nlayers: [{conv}]"))) == ("the unit above: 3 x 9", [3, 9])
        figure = draw(report_of(f"input: [1, 20, 30]\nlayers: [{conv}, {whole}]"))
    assert circle(figure) == ("the unit above: the whole input", [20, 30])
