"""Forms for people end at a bound and say so; what is drawn is what shows; nothing is done twice."""

from __future__ import annotations

import csv
import json
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from archlab.analysis.receptive_field import effective, growth
from archlab.api import receptive_field
from archlab.api.load import load, loads
from archlab.cli.main import main
from archlab.config.tree import targets
from archlab.config.tree.targets import open_target
from archlab.diagnostics.problem import ConfigError
from archlab.explain.layer import explain_layer
from archlab.explain.matrix import section
from archlab.graph.segments import find_segments
from archlab.report import bounds
from archlab.report.page.data import growth_records, stage_records
from archlab.report.thinned import shown_points
from archlab.torch import source
from archlab.torch.source import to_source
from tests.test_worst_inputs import steps_of
from tests.worst_inputs import flat, units


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_ROWS", 40)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("ending", ["html", "md", "tex", "xlsx"])
def test_rows_of_a_form_for_people_end(ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("vl_convert")
    config, made = tmp_path / "net.yaml", tmp_path / f"net.{ending}"
    config.write_text(flat(40))
    assert main(["analyze", str(config), "-o", str(made)]) == 0
    made.unlink()
    config.write_text(flat(41))
    assert main(["analyze", str(config), "-o", str(made), "--plot", str(tmp_path / "p.svg")]) == 1
    assert "41 rows are too many for a" in (said := capsys.readouterr().err)
    assert "at most 40; write .csv or .json" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.yaml"]


@pytest.mark.usefixtures("few")
def test_what_programs_read_is_complete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "net.yaml"
    config.write_text(flat(41))
    assert main(["analyze", str(config), "--format", "csv"]) == 0
    assert len(list(csv.DictReader(capsys.readouterr().out.splitlines()))) == 41
    assert main(["analyze", str(config), "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["layers"]) == 41


@pytest.mark.usefixtures("few")
def test_a_page_of_many_blocks_says_what_folds_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("vl_convert")
    config, made = tmp_path / "net.yaml", tmp_path / "net.html"
    config.write_text(units(400))
    assert main(["analyze", str(config), "-o", str(made)]) == 1
    assert "fold them to depth 1 (--depth 1)" in capsys.readouterr().err
    assert main(["analyze", str(config), "-o", str(made), "--depth", "1"]) == 0


@pytest.mark.parametrize("values", [[*range(50), *range(50, 0, -1)], [0] * 99, [i * 37 % 101 for i in range(301)]])
def test_points_that_show(values: list[int]) -> None:
    assert shown_points(values, len(values)) == list(range(len(values)))
    shown = shown_points(values, 20)
    assert len(shown) <= 20
    assert shown[0] == 0
    assert shown[-1] == len(values) - 1
    assert {values[at] for at in shown} >= {min(values), max(values)}


def test_records_of_charts_are_few_and_add_up() -> None:
    analysis = loads(flat(5_000)).analyze()
    stages = stage_records(analysis, "net")
    assert len(stages) == 1_000
    assert stages[0]["stage"] == "relu1 to relu5"
    assert sum(record["output_bytes"] for record in stages) == analysis.total.memory.activations
    assert len(growth_records(analysis, "net")) <= 2_000


def test_a_timeline_is_drawn_by_the_pixel() -> None:
    pytest.importorskip("matplotlib")
    from archlab.api.memory import memory_view
    from archlab.report.plot.style import style
    from archlab.report.plot.timeline import draw

    view = memory_view(loads(flat(4_500)).analyze())
    with style():
        [axes] = draw(view).axes
    drawn = [patch.get_data() for patch in axes.patches]  # type: ignore[attr-defined]
    assert [len(steps.values) for steps in drawn] == [1_500] * len(drawn)
    assert [steps.edges[-1] for steps in drawn] == [4_500] * len(drawn)
    assert max(drawn[-1].values) * 2**10 == view.timeline.peak


def test_an_estimate_ends_at_a_bound_on_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = loads(units(160)).analyze()
    estimator = analysis.estimator
    assert receptive_field.receptive_field(analysis).estimate is not None
    nodes = analysis.graph.layers
    work, layers = estimator.work, len(list(growth.effective_growth(nodes, estimator)))
    monkeypatch.setattr(growth, "MOST_WORK", 4 * work)
    assert len(list(growth.effective_growth(nodes, estimator))) in range(5, 9)  # each takes half of it on average
    assert layers > 50
    monkeypatch.setattr(effective, "MOST_WORK", work // 2)
    report = receptive_field.receptive_field(analysis)
    assert report.estimate is None
    assert estimator.work < work
    assert "no estimate" in report.areas()[0]


def test_a_batch_is_looked_for_in_networks_of_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    from archlab.api.memory import memory_view

    analysis = loads(
        "input: [1, 4, 4]\nlayers: [{type: conv2d, out_channels: 1, kernel_size: 1, repeat: 30}]"
    ).analyze()
    monkeypatch.setattr("archlab.api.memory.MOST_INPUTS", 30)
    assert memory_view(analysis, limit=2**20).fits
    monkeypatch.setattr("archlab.api.memory.MOST_INPUTS", 29)
    with pytest.raises(ConfigError, match=r"its layers have 30 inputs together.*at most 29; compare the peaks"):
        memory_view(analysis, limit=2**20)


def test_source_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_LAYERS", 40)
    to_source(loads(flat(40)).graph)
    with pytest.raises(ConfigError, match=r"41 layers are too many for source, which has at most 40; archlab\.build"):
        to_source(loads(flat(41)).graph)


@pytest.mark.parametrize("words", ["diff alexnet alexnet", "compare alexnet vgg11 alexnet"])
def test_a_target_given_twice_is_loaded_once(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded: Counter[str] = Counter()
    real = open_target

    def counting(target: str) -> object:
        loaded[target] += 1
        return real(target)

    monkeypatch.setattr(targets, "open_target", counting)
    assert main(words.split()) == 0
    assert set(loaded.values()) == {1}
    assert capsys.readouterr().out.count("alexnet") == 2


def test_peaks_of_other_batches() -> None:
    network = load("googlenet")
    analysis = network.analyze(batch=2)
    for batch in (2, 5):
        other = network.analyze(batch=batch)
        assert other.training is not None
        assert analysis.inference_peak(batch) == other.total.memory.inference_peak
        assert analysis.training_peak(batch) == other.training.peak


@pytest.mark.parametrize(("kernel", "dilation"), [(4095, 1), (3, 10_000)])
def test_a_picture_of_a_large_field_is_no_larger(kernel: int, dilation: int) -> None:
    pytest.importorskip("matplotlib")
    from archlab.report.plot.view import product_grid, read_flags, read_grid

    padding = (kernel - 1) * dilation // 2
    conv = f"type: conv2d, out_channels: 1, kernel_size: {kernel}, dilation: {dilation}, padding: {padding}"
    report = receptive_field.receptive_field(loads(f"input: [1, 65536, 65536]\nlayers: [{{{conv}}}]").analyze())
    assert report.estimate is not None
    span = (kernel - 1) * dilation + 1
    for grid, (left, right, top, bottom) in (product_grid(report.estimate), read_grid(report)):
        assert max(grid.shape) <= 1_024
        assert span <= min(right - left, bottom - top) <= max(right - left, bottom - top) < span * (1 + 1 / 512)
    assert list(read_flags(report, 0).nonzero()[0]) == list(range(0, span, dilation))
    assert read_grid(report)[0].sum() in {len(read_grid(report)[0]) ** 2, kernel**2}


def test_a_matrix_that_is_too_large_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    conv = "{type: conv2d, out_channels: 1, kernel_size: 5, padding: 2}"
    analysis = loads(
        f"input: [1, 9, 9]\nlayers: [{conv}, {{type: conv_transpose2d, out_channels: 1, kernel_size: 6}}]"
    ).analyze()
    for path, taps in (("conv", 45), ("upconv", 54)):
        for most, fits in ((taps, True), (taps - 1, False)):
            monkeypatch.setattr(section, "MOST_TAPS", most)
            found = explain_layer(analysis, path).section("matrix")
            assert found is not None
            assert ("matrix" in found.data) is fits
            assert ("Its entries are not counted" in str(found.notes)) is not fits


def test_segments_are_found_in_one_pass() -> None:
    """Each of them looked through the rest of the network before: 6,000 took 10 s."""
    small, large = (loads(units(size)).graph for size in (160, 320))
    steps = [steps_of(partial(find_segments, graph, ["trunk.*"])) for graph in (small, large)]
    assert steps[1] < 2.4 * steps[0]
    segments = find_segments(small, ["trunk.*"])
    assert len(segments) == 20
    for segment in segments:  # by the definition
        inside = range(segment.start, segment.stop)
        read = {source for node in small.nodes[segment.stop :] for source in node.inputs} | {small.outputs[0][1]}
        assert segment.outputs == tuple(index for index in inside if index in read)


@pytest.mark.parametrize("command", ["diff", "compare"])
def test_a_wrong_target_given_twice_is_told_once(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "nothing", "nothing"]) == 1
    assert capsys.readouterr().err.count("there is no preset 'nothing'") == 1
