"""Options that apply to several targets, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import archlab
from tests.command import run


def test_one_target_twice_under_one_value_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "diff", "resnet18", "resnet18", "--set", "num_classes=10")
    assert (status, out) == (1, "")
    assert "applies to both targets" in err
    assert "FILE.yaml@VARIANT" in err
    assert run(capsys, "diff", "resnet18", "resnet18")[0] == 0


def test_shared_options_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    for command, count in (("diff", 2), ("compare", 2)):
        _, _, err = run(capsys, command, *["resnet18", "resnet34"][:count], "--set", "num_classes=10")
        assert err == "archlab: --set num_classes=10 applies to both networks\n"
    assert run(capsys, "compare", "resnet18", "--input", "3x64x64")[2] == ""
    assert run(capsys, "compare", "resnet18", "resnet34")[2] == ""


def test_a_page_folds_to_the_depth_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for depth in ("1", "2", "all"):
        path = tmp_path / f"{depth}.html"
        assert run(capsys, "analyze", "resnet18", "--depth", depth, "-o", str(path))[0] == 0
        found[depth] = path.read_text(encoding="utf-8")
    assert "folded to 11" in found["1"]
    assert "(69, folded to 69)" in found["all"]
    assert "(69, folded to 15)" in found["2"]


def test_what_the_optimizer_holds_at_the_peak_has_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "memory", "vgg11", "--training", "--optimizer", "adam")
    assert status == 0
    first = out.split("at the peak")[-1].splitlines()[2]
    assert "the optimizer" in first
    assert "while adam steps" in first


def test_networks_of_one_name_have_a_label_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    targets = []
    for number in (1, 2):
        path = tmp_path / f"{number}.yaml"
        path.write_text(
            f"name: net\ninput: [3, 8, 8]\nlayers: [{{type: conv2d, out_channels: 2, kernel_size: {number}}}]\n"
        )
        targets.append(str(path))
    labels = [f"net ({target})" for target in targets]
    for form in ("table", "csv", "markdown", "json"):
        out = run(capsys, "compare", *targets, "--format", form)[1]
        assert [out.count(label) >= 1 for label in labels] == [True, True], out
    for ending in ("html", "tex"):
        path = tmp_path / f"out.{ending}"
        assert run(capsys, "compare", *targets, "-o", str(path))[0] == 0
        text = path.read_text(encoding="utf-8").replace("\\_", "_")
        assert all(label in text for label in labels)
    assert all(label in run(capsys, "diff", *targets)[1] for label in labels)
    assert "net (" not in run(capsys, "compare", targets[0])[1]


def test_latex_of_one_network_has_its_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "layers.tex"
    assert run(capsys, "analyze", "alexnet", "-o", str(path))[0] == 0
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if " & " in line]
    head, *rows, total = [line.removesuffix(" \\\\").split(" & ") for line in lines]
    layers = archlab.load("alexnet").analyze().layers
    assert head[:3] == ["layer", "type", "output"]
    assert [row[0].replace("\\_", "_") for row in rows] == [layer.node.path for layer in layers]
    assert [int(row[4]) for row in rows] == [layer.macs for layer in layers]
    assert (total[0], int(total[3]), int(total[4])) == ("total", 61100840, 714188480)
