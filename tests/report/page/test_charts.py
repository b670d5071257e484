"""Charts of the page, and charts by themselves: SVG, PNG and PDF."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from archlab.api.comparison import Comparison, compare
from archlab.cli.main import main
from archlab.diagnostics.problem import ConfigError
from archlab.report.figures import figures_row
from archlab.report.page.render import VEGA_LITE, chart_list

vl_convert = pytest.importorskip("vl_convert")


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare(["resnet18", "vgg11", "mobilenet_v2"])


def spec_of(comparison: Comparison, figure: str) -> dict[str, Any]:
    """Of a chart of the page."""
    rows = [figures_row(analysis, None) for analysis in comparison.analyses]
    found = chart_list(comparison.analyses, comparison.names, lambda: rows)
    return next(chart.spec for chart in found if chart.id == figure)


def svg_of(comparison: Comparison, figure: str) -> str:
    """As the page draws it."""
    return str(vl_convert.vegalite_to_svg({**spec_of(comparison, figure), "width": 760}, vl_version=VEGA_LITE))


def marks(svg: str, role: str) -> int:
    """How many groups or shapes of a role there are."""
    return len(re.findall(rf'aria-roledescription="{role}"', svg))


def test_the_scatter_has_a_point_for_each_network(comparison: Comparison) -> None:
    svg = svg_of(comparison, "pareto")
    assert marks(svg, "point") == 3
    assert all(name in svg for name in ("resnet18", "vgg11", "mobilenet_v2", "MACs", "params"))


def test_growth_has_a_line_for_each_network(comparison: Comparison) -> None:
    svg = svg_of(comparison, "growth")
    assert marks(svg, "line mark") == 3
    assert svg.count("input height: 224") == 1  # one size for all
    assert "border layers" not in svg
    small = svg_of(compare(["vgg11", "resnet18"], input=(3, 64, 64)), "growth")
    assert "border layers" in small  # vgg11 sees the whole input long before its end


def test_stages_add_up(comparison: Comparison) -> None:
    records = spec_of(comparison, "stages")["data"]["values"]
    for analysis in comparison.analyses:
        own = [record for record in records if record["network"] == analysis.graph.name]
        assert sum(record["params"] for record in own) == analysis.total.params
        assert sum(record["macs"] for record in own) == analysis.total.macs
    shown = [record for record in records if record["params"]]
    assert marks(svg_of(comparison, "stages"), "bar") == len(shown)


def test_memory_reaches_the_peaks(comparison: Comparison) -> None:
    records = spec_of(comparison, "memory")["data"]["values"]
    for analysis in comparison.analyses:
        assert analysis.training is not None
        peaks = {
            run: max(r["bytes"] for r in records if (r["network"], r["run"]) == (analysis.graph.name, run))
            for run in ("inference", "training")
        }
        assert peaks == {"inference": analysis.total.memory.inference_peak, "training": analysis.training.peak}


def test_memory_is_in_the_unit_of_the_tables(comparison: Comparison) -> None:
    """The marks of the axis are MiB: the last one lies within a step of the highest peak."""
    svg = svg_of(comparison, "memory")
    assert "memory alive (MiB)" in svg
    ticks = [float(text.replace(",", "")) for text in re.findall(r">([\d,.]+)</text>", svg)]  # the others end in %
    peak = max(a.training.peak for a in comparison.analyses if a.training is not None) / 2**20
    assert max(ticks) <= 1.2 * peak <= 1.5 * max(ticks)
    assert "memory, training (MiB)" in str(spec_of(comparison, "pareto"))
    assert "outputs (MiB)" in str(spec_of(comparison, "stages"))


def test_files(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg", "a.png"):
        plot = ["--plot", str(tmp_path / name), "--figure", "memory"]
        assert main(["analyze", "resnet18", "-o", str(tmp_path / "a.json"), *plot]) == 0
    assert (tmp_path / "a.svg").read_text() == (tmp_path / "b.svg").read_text()
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_pictures_are_saved(comparison: Comparison, tmp_path: Path) -> None:
    for ending, start in ((".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF")):
        comparison.picture("growth").save(tmp_path / f"x{ending}")
        assert (tmp_path / f"x{ending}").read_bytes().startswith(start)
    assert comparison.picture("growth").to_pdf() == (tmp_path / "x.pdf").read_bytes()
    assert b"/FontFile2" in (tmp_path / "x.pdf").read_bytes()
    with pytest.raises(ConfigError, match=r"a picture ends in \.svg, \.png or \.pdf"):
        comparison.picture("growth").save(tmp_path / "x.gif")


def test_a_single_network_has_no_scatter() -> None:
    with pytest.raises(ConfigError, match="there is no chart 'pareto' here; there are growth, stages, memory"):
        compare(["resnet18"]).picture("pareto")


def test_notebooks_show_pictures(comparison: Comparison) -> None:
    picture = comparison.picture("pareto", size=(3.3, 2.2), font_size=7, title=False, y="depth")
    assert repr(picture) == "<Picture of the pareto of 3 networks, 3.3 x 2.2 inches>"
    assert 'width="237.6pt" height="158.4pt"' in picture._repr_svg_()  # 72 points are an inch
