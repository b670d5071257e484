"""Measured effective fields: against the theory for random networks, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from archlab.api.load import load, loads
from archlab.api.network import Network
from archlab.api.receptive_field import measured_field, receptive_field
from archlab.cli.main import main
from archlab.report.field import FieldReport
from archlab.torch.build import build
from archlab.torch.effective import MeasuredField, Sampling, stop_at

LINEAR = """
input: [3, 17, 17]
layers:
- {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, repeat: 4}
- {type: conv2d, out_channels: 8, kernel_size: 5, padding: auto}
"""


def measured(network: Network, sampling: Sampling | None = None, **chosen: Any) -> tuple[FieldReport, MeasuredField]:
    report = measured_field(receptive_field(network.analyze(), **chosen), sampling or Sampling(samples=2), iter)
    assert report.measured is not None
    return report, report.measured


def test_random_linear_networks_have_the_estimated_field_in_expectation() -> None:
    """The squared gradient of random weights is, in the mean, the share of paths (Luo et al. 2016)."""
    report, found = measured(loads(LINEAR), Sampling(samples=40))
    assert report.estimate is not None
    assert found.area == pytest.approx(report.estimate.area, rel=0.15)
    for axis, expected in zip(found.axes.axes, report.estimate.axes, strict=True):
        assert axis.std == pytest.approx(expected.std, rel=0.08)
        inner = list(axis.weights[expected.first : expected.first + len(expected.weights)])
        assert inner == pytest.approx(list(expected.weights), abs=0.03)
        assert sum(inner) == pytest.approx(1)
    assert sum(map(sum, found.shares)) == pytest.approx(1)
    assert (found.samples, found.silent) == (40, 0)


def test_the_measure_is_free_of_scale(tmp_path: Path) -> None:
    """Weights ten times as large in every layer give the same shares; log10(1 + x) would not."""
    network = loads(LINEAR)
    areas: list[float] = []
    for factor in (1, 10):
        torch.manual_seed(5)
        state = {name: tensor * factor for name, tensor in build(network).state_dict().items()}
        torch.save(state, tmp_path / "weights.pt")
        _, found = measured(network, Sampling(samples=1, weights=tmp_path / "weights.pt"))
        areas.append(found.area)
    assert areas[0] == pytest.approx(areas[1], rel=1e-5)


def test_areas_of_equal_gradients(tmp_path: Path) -> None:
    network = loads("input: [1, 9, 9]\nlayers: [{type: conv2d, out_channels: 1, kernel_size: 5}]")
    torch.save({"conv.weight": torch.ones(1, 1, 5, 5), "conv.bias": torch.zeros(1)}, tmp_path / "w.pt")
    _, found = measured(network, Sampling(samples=1, weights=tmp_path / "w.pt"))
    assert found.area == pytest.approx(25)
    assert found.contribution_area == 24  # 95 % of 25, rounded up
    assert found.axes.axes[0].interval == (2, 6)


def test_equal_seeds_give_equal_maps_and_leave_the_global_generator_alone() -> None:
    network = load("resnet18", input=(3, 64, 64))
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    maps = [measured(network, Sampling(samples=1, seed=seed), layer="layer1.0.relu2")[1].shares for seed in (3, 3, 4)]
    assert torch.equal(before, torch.random.get_rng_state())
    assert maps[0] == maps[1] != maps[2]


def test_gradients_stay_inside_of_the_theoretical_field() -> None:
    report, found = measured(load("mobilenet_v2_0_35", input=(3, 64, 64)), Sampling(samples=1))
    (top, bottom), (left, right) = report.spans
    for row, values in enumerate(found.shares):
        for column, value in enumerate(values):
            if value > 0:
                assert top <= row <= bottom
                assert left <= column <= right


def test_the_model_stops_at_the_layer() -> None:
    network = load("resnet18", input=(3, 64, 64))
    model = build(network)
    stop_at(model, "layer1.0.conv1")  # what follows works in place, and must not
    names = [node.target for node in model.graph.nodes if node.op == "call_module"]
    assert names == ["conv1", "bn1", "relu", "maxpool", "layer1.0.conv1"]
    assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 64, 16, 16)


def test_samples_without_gradient_are_left_out() -> None:
    network = loads("input: [1, 5, 5]\nlayers: [{type: relu}]")
    _, found = measured(network, Sampling(samples=8))
    assert (found.area, found.samples + found.silent) == (1, 8)
    assert found.silent > 0


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_read_in_the_size_of_the_input(channels: int, tmp_path: Path) -> None:
    for number in range(3):
        ending = "png" if number else "jpg"
        Image.effect_noise((30, 20 + number), 80).convert("RGB" if number else "L").save(
            tmp_path / f"{number}.{ending}"
        )
    (tmp_path / "notes.txt").write_text("no image")
    network = loads(f"input: [{channels}, 17, 9]\nlayers: [{{type: conv2d, out_channels: 4, kernel_size: 3}}]")
    _, found = measured(network, Sampling(samples=16, images=tmp_path))
    assert (found.samples, found.images) == (3, f"images of {tmp_path}")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["receptive-field", *arguments, "--effective", "--samples", "1"])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "resnet18", "--input", "3x64x64", "--format", "json", "--layer", "layer1.0.relu1")
    assert (status, err) == (0, "")
    result = json.loads(out)
    assert result["measured"]["samples"] == 1
    assert len(result["measured"]["map"]) == 64
    assert sum(map(sum, result["measured"]["map"])) == pytest.approx(1)
    status, out, _ = run(capsys, "resnet18", "--input", "3x64x64")
    assert "log10(1 + x)" in out
    assert "measured: an area of" in out


def test_weights_of_archlab_build_are_taken(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = str(tmp_path / "w.pt")
    assert main(["build", "resnet18", "-o", path]) == 0
    status, out, _ = run(capsys, "resnet18", "--input", "3x64x64", "--weights", path)
    assert status == 0
    assert f"weights of {path}" in out
    status, _, err = run(capsys, "resnet34", "--input", "3x64x64", "--weights", path)
    assert status == 1
    assert "do not fit resnet34: 122 of " in err


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("executed",))


@pytest.mark.parametrize("content", ["text", "pickle", "number", "nothing"])
def test_weights_that_are_none(content: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    if content == "text":
        path.write_text("no weights")
    elif content == "pickle":
        torch.save({"conv1.weight": Evil()}, path)
    elif content == "number":
        torch.save(3, path)
    status, out, err = run(capsys, "resnet18", "--input", "3x64x64", "--weights", str(path))
    assert (status, out) == (1, "")
    assert "w.pt" in err
    assert "executed" not in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "toaster"], "--device toaster: cannot compute there"),
        (["--device", "meta"], "--device meta: cannot compute there"),
        (["--images", "/nowhere"], "there is no such folder"),
        (["--images", "."], "no file ends with .png, .jpg, .jpeg"),
        (["--layer", "layer1.0.conv"], "no layer 'layer1.0.conv'; did you mean"),
        (["--unit", "9,0"], "has 2 rows and 2 columns, so that the last unit is 1,1"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, "resnet18", "--input", "3x64x64", *arguments)
    assert (status, out) == (1, "")
    assert message in err


def test_images_that_are_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no png")
    status, _, err = run(capsys, "resnet18", "--input", "3x64x64", "--images", str(tmp_path))
    assert (status, "cannot read the image" in err) == (1, True)


def test_a_unit_without_gradient(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = tmp_path / "dead.yaml"
    config.write_text("input: [1, 9, 9]\nlayers: [{type: conv2d, out_channels: 1, kernel_size: 3}, {type: relu}]")
    torch.save({"conv.weight": torch.zeros(1, 1, 3, 3), "conv.bias": -torch.ones(1)}, tmp_path / "w.pt")
    status, _, err = run(capsys, str(config), "--weights", str(tmp_path / "w.pt"))
    assert status == 1
    assert "no input position has a gradient to unit 3,3 of relu" in err


def test_batch_norm_does_not_see_the_whole_image() -> None:
    """In eval mode it takes its running statistics."""
    network = loads("input: [1, 9, 9]\nlayers: [{type: conv2d, out_channels: 2, kernel_size: 3, norm: batch_norm2d}]")
    _, found = measured(network)
    assert sum(value > 0 for row in found.shares for value in row) == 9


def test_channels_behind() -> None:
    network = loads(
        "input: [4, 12, 12]\nlayers: [{type: conv2d, out_channels: 4, kernel_size: 3}, {type: channels_last}, "
        "{name: fc, type: linear, out_features: 6}]"
    )
    report, found = measured(network, Sampling(samples=1), layer="fc", unit=(9, 5))
    assert report.node.path == "fc"
    rows = [sum(row) > 0 for row in found.shares]
    assert [row for row, read in enumerate(rows) if read] == [9, 10, 11]
