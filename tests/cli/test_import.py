"""`archlab import`: a config, what was checked, and names of weights beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision

import archlab
from tests.command import run


def test_a_config_that_reads_as_the_same_network(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "resnet18.yaml"
    status, out, err = run(capsys, "import", "torchvision:resnet18", "-o", str(path))
    assert (status, out) == (0, "")
    assert "69 layers" in err
    assert "read again, the graph is the flat one's" in err
    total, preset = archlab.load(path).analyze().total, archlab.load("resnet18").analyze().total
    assert (total.params, total.macs, total.flops) == (preset.params, preset.macs, preset.flops)
    assert f"{total.params:,} params, {total.macs:,} MACs" in err
    assert len(path.read_text().splitlines()) < 40


def test_flat_has_a_line_for_each_layer(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "import", "torchvision:resnet18", "--flat")
    assert status == 0
    assert len([line for line in out.splitlines() if line.startswith("  - ")]) == 69


@pytest.mark.parametrize("form", [[], ["--flat"]])
def test_verify_compares_with_the_model(capsys: pytest.CaptureFixture[str], form: list[str]) -> None:
    status, _, err = run(capsys, "import", "torchvision:squeezenet1_1", "--verify", "--input", "3x64x64", *form)
    assert status == 0
    assert "params: 1,235,496, as the model's own" in err
    assert "as FlopCounterMode" in err
    assert "outputs: equal bit by bit" in err


def test_weights_find_their_places_by_the_file_beside(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config, checkpoint, built = tmp_path / "net.yaml", tmp_path / "weights.pt", tmp_path / "built.pt"
    model = torchvision.models.mobilenet_v3_small().eval()
    state = model.state_dict()
    torch.save({name: state[name] for name in sorted(state)}, checkpoint)
    _, _, err = run(capsys, "import", "torchvision:mobilenet_v3_small", "-o", str(config))
    assert f"names of the weights: {tmp_path / 'net.weights.yaml'}" in err
    status, _, err = run(capsys, "build", str(config), "--weights", str(checkpoint), "-o", str(built))
    assert status == 0
    assert f"{len(state)} of {len(state)} tensors found; matched: {len(state)} by map" in err
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        ours = archlab.build(config, weights=torch.load(built, weights_only=True)).eval()(image)
        assert torch.equal(ours, model(image))


def test_weights_of_another_naming_go_without_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "net.yaml"
    run(capsys, "import", "torchvision:mobilenet_v3_small", "-o", str(config))
    own = archlab.build(config).state_dict()
    again = archlab.build(config, weights=own)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in own.items())


def test_what_is_archlabs_own_is_not_imported(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "import", "resnet18")
    assert (status, out) == (1, "")
    assert err == "resnet18 is archlab's own already; archlab expand writes it out  [wrong-value]\n"


@pytest.mark.parametrize("target", ["torchvision:resnet18", "timm:resnet18", "mynet:Net", "net.pt2"])
@pytest.mark.parametrize("command", ["analyze", "import"])
def test_without_pytorch_the_line_that_installs_it_is_told(
    command: str, target: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archlab.diagnostics.requirements._is_installed", lambda module: module != "torch")
    status, out, err = run(capsys, command, target)
    assert (status, out) == (1, "")
    assert err == f'archlab: reading {target} needs torch, which is not installed: pip install "archlab[torch]"\n'
