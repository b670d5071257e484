"""Charts of sweeps: what stands on them is what the designs have, and who is on the line is beaten by none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archlab.analysis.conditions import Conditions
from archlab.api.designs import Sweep
from archlab.api.load import load
from archlab.cli.main import main
from archlab.diagnostics.problem import ConfigError
from archlab.report.page.render import VEGA_LITE
from archlab.report.page.sweep import distribution, scatter
from archlab.report.plot.designs import sweep_picture
from archlab.report.plot.look import Look
from archlab.sweep.figures import Designs
from tests.command import run

VARY = {"d3": "1..12", "width_per_group": [32, 64]}


@pytest.fixture(scope="module")
def found() -> Sweep:
    return load("resnet50").sweep(VARY)


def axes_of(found: Sweep, figure: str, **look: Any) -> Any:
    picture = sweep_picture(found.question.space, found.designs, Conditions(batch=2), figure, Look(**look))
    drawn = picture._draw()
    drawn.draw_without_rendering()
    return drawn.axes[0]


def points(axes: Any, marker: str) -> set[tuple[float, float]]:
    lines = [line for line in axes.lines if line.get_marker() == marker]
    return {(float(np.asarray(one.get_xdata())[0]), float(np.asarray(one.get_ydata())[0])) for one in lines}


def test_points_are_the_designs(found: Sweep) -> None:
    axes = axes_of(found, "pareto")
    drawn = points(axes, "o") | points(axes, "s")
    assert drawn == {(row["macs"] / 1e9, float(row["receptive_field_h"])) for row in found.rows}
    assert axes.get_xlabel() == "MACs (G, batch 2)"
    assert axes.get_ylabel() == "receptive field (positions of the input)"


def test_the_line_is_the_exact_front(found: Sweep) -> None:
    """As dynamic programming over the parts finds it, without a list of the designs."""
    front = load("resnet50").sweep(VARY, pareto=("macs", "receptive_field"))
    assert points(axes_of(found, "pareto"), "o") == {
        (r["macs"] / 1e9, float(r["receptive_field_h"])) for r in front.rows
    }


def test_other_figures(found: Sweep) -> None:
    axes = axes_of(found, "pareto", x="params", y="inference_peak")
    drawn = points(axes, "o") | points(axes, "s")
    expected = {(row["params"] / 1e6, row["memory_inference_peak"] / 2**20) for row in found.rows}
    assert np.allclose(sorted(drawn), sorted(expected))
    assert axes.get_ylabel() == "memory, inference (MiB, batch 2, float32)"


def test_a_distribution_counts_every_design(found: Sweep) -> None:
    axes = axes_of(found, "distribution", x="params")
    bars = [(bar.get_x(), bar.get_x() + bar.get_width(), bar.get_height()) for bar in axes.patches]
    assert sum(height for _, _, height in bars) == len(found)
    for low, high, height in bars:
        assert height == sum(low <= row["params"] / 1e6 < high for row in found.rows)


def test_where_all_see_the_same_params_are_drawn() -> None:
    same = load("mobilenet_v2").sweep({"width_mult": [0.25, 0.5], "input": [96, 128]})
    assert axes_of(same, "pareto").get_ylabel() == "params (M)"
    assert "bind" in str(scatter(same.question.space, same.designs)["params"])


def test_the_page_speaks_of_figures_as_its_table_does(found: Sweep) -> None:
    spec = scatter(found.question.space, found.designs)
    bind = spec["params"][0]["bind"]
    shown = {"macs": "MACs", "params": "params", "flops": "FLOPs", "activations": "activations"}
    assert dict(zip(bind["options"], bind["labels"], strict=True)) == {**shown, "inference_peak": labels_of("MiB")}
    counted = distribution(found.designs)
    assert counted["params"][0]["bind"]["labels"] == [
        "MACs",
        "params",
        "FLOPs",
        "activations",
        "memory, inference (MiB)",
    ]
    most = max(record["high"] for record in counted["data"]["values"] if record["figure"] == "inference_peak")
    assert most < 2 * max(row["memory_inference_peak"] for row in found.rows) / 2**20


def labels_of(unit: str) -> str:
    return f"memory, inference ({unit})"


def test_the_line_of_the_page_is_the_exact_front(found: Sweep) -> None:
    """What is drawn, by Vega itself: a design that sees no more than a cheaper one is not on it."""
    vl_convert = pytest.importorskip("vl_convert")
    spec = {**scatter(found.question.space, found.designs), "width": 600}
    svg = str(vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE))
    line = re.search(r'class="mark-line[^>]*><path[^>]* d="([^"]+)"', svg)
    assert line is not None
    front = load("resnet50").sweep(VARY, pareto=("macs", "receptive_field"))
    heights = {round(float(y), 1) for y in re.findall(r"[ML]-?[\d.]+,(-?[\d.]+)", line[1])}
    assert len(heights) == len(front)


def test_without_designs_there_is_no_chart(found: Sweep) -> None:
    with pytest.raises(ConfigError, match="there are no designs within the limits: there is nothing to draw"):
        sweep_picture(found.question.space, Designs(), Conditions(), "pareto", Look())


def test_files(tmp_path: Path) -> None:
    command = ["sweep", "resnet18", "--vary", "d1=1..3", "-o", str(tmp_path / "x.csv"), "--size", "3.3x2.2"]
    for name in ("a.svg", "b.svg"):
        assert main([*command, "--plot", str(tmp_path / name)]) == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--plot", "x.gif"], "--plot x.gif: the ending must be one of .png .svg .pdf"),
        (["--x", "speed"], "--x speed: of --figure pareto it must be one of macs, params, flops, activations"),
        (["--figure", "distribution", "--y", "macs"], "--y is of --figure pareto: a distribution counts designs"),
        (["--figure", "distribution", "--x", "receptive_field"], "--x receptive_field: of --figure distribution it"),
    ],
)
def test_wrong_choices(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "sweep", "resnet18", "--vary", "d1=1..2", *words)
    assert (status, out) == (2, "")
    assert message in err


def test_columns_and_units(capsys: pytest.CaptureFixture[str], found: Sweep) -> None:
    """What varies is always shown; figures that are not usual are there for those who ask."""
    vary = ["sweep", "resnet50", "--vary", "d3=1..3"]
    out = run(capsys, *vary, "--columns", "macs,buffers,memory-params,stride", "--units", "exact")[1]
    lines = [line.split() for line in out.strip().splitlines()]
    assert lines[0] == ["d3", "MACs", "buffers", "memory", "params", "stride"]
    own = found.rows[1]
    assert lines[2] == ["1", f"{own['macs']:,}", f"{own['buffers']:,}", f"{own['memory_params']:,}", "B", "32"]
    status, out, err = run(capsys, *vary, "--columns", "macz")
    assert (status, out) == (1, "")
    assert "there is no column 'macz'; did you mean 'macs'?" in err
    assert run(capsys, *vary, "--columns", "macs", "--format", "csv")[0] == 2
    assert run(capsys, *vary, "--sort=-memory", "--format", "csv")[0] == 0  # the order is of every form


def test_fit_has_columns(capsys: pytest.CaptureFixture[str]) -> None:
    fit = ["fit", "resnet18", "--vary", "d1=1..3", "--maximize", "params"]
    out = run(capsys, *fit, "--columns", "buffers", "--units", "exact")[1]
    lines = [line.split() for line in out.splitlines() if line]
    assert lines[-5] == ["d1", "buffers"]
    assert lines[-3] == ["3", f"{load('resnet18', d1=3).analyze().total.buffers:,}"]
