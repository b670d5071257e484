"""The Python face: each command's answer as a method, one-line reprs, tables as text, and what notebooks show."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

import archlab
from tests.command import run

ROOT = Path(__file__).parents[2]
NETWORK = archlab.load("resnet18")


def answers() -> dict[str, tuple[Any, list[str]]]:
    """What a method gives, and the command that prints the same."""
    return {
        "analyze": (NETWORK.analyze(), ["analyze", "resnet18"]),
        "network": (NETWORK, ["analyze", "resnet18"]),
        "memory": (NETWORK.memory(training=True, batch=2), ["memory", "resnet18", "--training", "--batch", "2"]),
        "time": (NETWORK.time("a100"), ["time", "resnet18", "--device", "a100"]),
        "receptive_field": (NETWORK.receptive_field("layer2.0.conv1"), receptive("--layer", "layer2.0.conv1")),
        "projective_field": (NETWORK.projective_field(at=(3, 4)), receptive("--projective", "--at", "3,4")),
        "explain": (NETWORK.explain("layer1.0.conv1"), ["explain", "resnet18", "layer1.0.conv1"]),
        "explain block": (NETWORK.explain("layer1"), ["explain", "resnet18", "layer1"]),
        "diff": (NETWORK.diff(archlab.load("resnet34")), ["diff", "resnet18", "resnet34"]),
        "compare": (archlab.compare(["resnet18", "vgg11"]), ["compare", "resnet18", "vgg11"]),
        "sweep": (
            NETWORK.sweep({"d1": [1, 2], "d2": "1..2"}, where="macs <= 2G", sort=["-macs"]),
            ["sweep", "resnet18", "--vary", "d1=1,2", "--vary", "d2=1..2", "--where", "macs <= 2G", "--sort", "-macs"],
        ),
        "front": (
            NETWORK.sweep({"d1": [1, 2], "d2": "1..2"}, pareto=["macs", "receptive_field"]),
            ["sweep", "resnet18", "--vary", "d1=1,2", "--vary", "d2=1..2", "--pareto", "macs,receptive_field"],
        ),
        "best": (
            NETWORK.best({"d1": "1..3"}, "receptive_field", where="macs <= 2G"),
            ["fit", "resnet18", "--vary", "d1=1..3", "--where", "macs <= 2G", "--maximize", "receptive_field"],
        ),
        "check": (NETWORK.check("macs <= 2G"), ["check", "resnet18", "--max-macs", "2G"]),
    }


def receptive(*options: str) -> list[str]:
    return ["receptive-field", "resnet18", *options]


ANSWERS = answers()


@pytest.mark.parametrize("name", ANSWERS)
def test_it_prints_what_the_command_prints(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found, command = ANSWERS[name]
    status, out, _ = run(capsys, *command)
    assert status == 0
    assert str(found).rstrip("\n") == out.rstrip("\n")


@pytest.mark.parametrize("name", [name for name in ANSWERS if name not in ("network", "check")])
def test_its_data_are_those_of_the_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found, command = ANSWERS[name]
    printed = json.loads(run(capsys, *command, "--format", "json")[1])
    assert json.loads(json.dumps(found.to_dict())) == printed
    if name not in ("explain", "explain block"):
        assert len(found.to_dataframe())


class Tags(HTMLParser):
    """Which tags are open at the end, and the text that is shown before anything is unfolded."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        if tag not in ("br", "img", "meta", "link", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


SHOWN = {
    **{name: found for name, (found, _) in ANSWERS.items()},
    "diagram": NETWORK.diagram(),
    "verification": archlab.verify(archlab.load("resnet18"), device="meta"),
    "picture": NETWORK.picture("growth"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_reprs_are_one_line_without_dumps(name: str) -> None:
    text = repr(SHOWN[name])
    assert re.fullmatch(r"<[^\n]{5,150}>", text)
    assert "0x" not in text
    assert "object at" not in text


@pytest.mark.parametrize("name", [name for name in SHOWN if name != "picture"])
def test_what_a_notebook_shows_is_sound(name: str) -> None:
    assert Tags(SHOWN[name]._repr_html_()).open == []


def test_layers_are_folded_in_a_notebook() -> None:
    for found in (NETWORK, NETWORK.analyze()):
        html = found._repr_html_()
        assert html.index("<details>") < html.index("layer1.0.conv1")
        first = html.partition("<details>")[0]
        assert "<script" not in html
        assert len(first) < 6_000


def test_hostile_names_are_escaped_in_a_notebook() -> None:
    text = "name: '<img src=x onerror=alert(1)>'\ninput: [3, 8, 8]\nlayers: [{type: relu, name: a}]\n"
    network = archlab.loads(text)
    both = archlab.compare([network])
    for found in (network, network.analyze(), network.memory(), both, network.diagram(), network.diff(network)):
        assert "<img" not in found._repr_html_()
        assert "\n" not in repr(found)


def test_the_largest_batch_fits_and_one_more_does_not() -> None:
    for training in (False, True):
        found = NETWORK.fit("1GiB", training=training)
        peaks = [
            NETWORK.analyze(batch=batch).memory(training=training).timeline.peak
            for batch in (found.batch, found.batch + 1)
        ]
        assert peaks[0] == found.peak <= 2**30 < peaks[1]
    assert NETWORK.fit(2**30) == NETWORK.fit("1GiB")
    with pytest.raises(archlab.ConfigError, match="24GiB"):
        NETWORK.fit("24")


def test_params_that_were_given_hold_for_designs() -> None:
    small = archlab.load("resnet18", num_classes=10, input=(3, 64, 64))
    (row,) = small.sweep({"d1": [2]}).rows
    assert row["params"] == small.analyze().total.params
    assert row["macs"] == small.analyze().total.macs
    with pytest.raises(archlab.ConfigError, match="'num_classes' has one value already"):
        small.sweep({"num_classes": [2, 3]})


def test_the_best_design_is_a_config(tmp_path: Path) -> None:
    best = NETWORK.best({"d1": "1..3"}, "receptive_field", where="macs <= 2G")
    assert best.settings == {"d1": 2}
    path = tmp_path / "best.yaml"
    path.write_text(best.to_config())
    assert archlab.load(path).analyze().total.figures() == NETWORK.analyze().total.figures()
    text = archlab.loads("params: {w: 4}\ninput: [3, 8, 8]\nlayers: [{type: conv2d, out_channels: $w, kernel_size: 1}]")
    with pytest.raises(archlab.ConfigError, match="no file"):
        text.best({"w": [2, 4]}, "params").to_config()


def test_limits_and_rules() -> None:
    assert NETWORK.check("macs <= 2G and params <= 12M").ok
    broken = NETWORK.check("macs <= 1G")
    assert not broken.ok
    assert "814,073,344 (81.4%) above the limit" in str(broken)
    with pytest.raises(archlab.ConfigError, match="mac"):
        NETWORK.check("mac <= 1G")
    unused = archlab.loads("params: {w: 4}\ninput: [3, 8, 8]\nlayers: [{type: relu}]")
    assert [problem.code for problem in unused.lint()] == ["unused-name"]
    assert NETWORK.lint() == []


def test_forms_of_a_diagram_and_of_a_network(tmp_path: Path) -> None:
    diagram = NETWORK.diagram()
    for name, start in (("a.svg", b"<svg"), ("a.pdf", b"%PDF"), ("a.mmd", b"flowchart"), ("a.dot", b"digraph")):
        diagram.save(tmp_path / name)
        assert (tmp_path / name).read_bytes().lstrip().startswith(start)
    with pytest.raises(archlab.ConfigError, match=r"ends in \.svg"):
        diagram.save(tmp_path / "a.gif")
    explained = NETWORK.explain("layer1.0.conv1")
    assert explained.to_svg().startswith("<svg")
    assert explained.to_svg(animate=True).count("@keyframes") or "animate" in explained.to_svg(animate=True)
    assert explained.to_html().lstrip().lower().startswith("<!doctype html>")
    assert explained.to_markdown().startswith("#")
    again = archlab.loads(NETWORK.to_yaml())
    assert again.analyze().total.figures() == NETWORK.analyze().total.figures()
    assert NETWORK.to_html().startswith("<!doctype html>")


def test_charts_on_axes_of_a_caller() -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    before = dict(mpl.rcParams)
    report = NETWORK.analyze()
    report.draw(left)
    NETWORK.memory().draw(right)
    sizes = [line.get_ydata() for line in left.get_lines()]
    assert any(max(values) == 435 for values in sizes if len(values))
    assert "alive (MiB)" in right.get_ylabel()
    assert dict(mpl.rcParams) == before
    with pytest.raises(archlab.ConfigError, match="there are growth, stages"):
        report.draw(left, "pareto")
    both = archlab.compare([NETWORK, "vgg11"])
    for figure_name in ("pareto", "growth", "stages", "memory"):
        axes = Figure().subplots()
        both.draw(axes, figure_name)
        assert axes.get_xlabel()
        assert {"resnet18", "vgg11"} <= {text.get_text().strip() for text in (*axes.texts, *axes.get_yticklabels())}


CONV = "name: net\ninput: [3, 8, 8]\nparams: {{w: {0}}}\nlayers: [{{type: conv2d, out_channels: $w, kernel_size: 3}}]\n"


def test_networks_of_one_name_are_told_apart_in_every_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, width in (("a", 4), ("b", 6)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.yaml").write_text(CONV.format(width))
    names = ["net (a/net.yaml)", "net (b/net.yaml)"]
    both = archlab.compare(["a/net.yaml", "b/net.yaml"])
    assert [one["name"] for one in both.to_dict()["networks"]] == names
    for text in (both.render(), both.to_html(), both._repr_html_(), repr(both)):
        assert all(name in text for name in names)
    one, two = archlab.load("a/net.yaml"), archlab.load("a/net.yaml", w=8)
    assert "net (as written)" in str(one.diff(two))
    assert "net (w=8)" in str(one.diff(two))
    assert (one.name, two.name) == ("net", "net")
    deployed = archlab.compare([one, one.deploy()])
    assert [analysis.graph.name for analysis in deployed.analyses] == ["net (as written)", "net (deployed)"]
    same = archlab.compare([one, one])
    assert [row["name"] for row in same.rows] == [found["name"] for found in same.to_dict()["networks"]]
    assert same.names == ["net", "net (2)"]
    assert all("net (2)" in text for text in (str(same), same.to_html(), same._repr_html_()))
    out = run(capsys, "verify", "a/net.yaml", "b/net.yaml", "--device", "meta")[1]
    assert [line.partition(": ")[0] for line in out.splitlines()] == names


def test_the_page_of_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mpl.use("agg")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "python.md").read_text()
    names: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        exec(compile(block, "python.md", "exec"), names)  # noqa: S102 - the page's own
    assert (tmp_path / "resnet50.svg").is_file()
    assert (tmp_path / "resnet50.png").is_file()
    assert names["best"].settings["d3"] > 6
    methods = re.findall(r"`(network|archlab)\.(\w+)\(", text)
    assert all(hasattr({"network": NETWORK, "archlab": archlab}[owner], name) for owner, name in methods)
