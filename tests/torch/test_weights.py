"""State dicts of other code: matched in order, told where they do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn

from archlab.api import load, loads
from archlab.cli import main
from archlab.config.problem import ConfigError
from archlab.torch.build import build
from archlab.torch.weights import match


def random_state(name: str) -> dict[str, Tensor]:
    """Of torchvision's model, every tensor different."""
    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = torchvision.models.get_model(name, weights=None).state_dict()
    return {key: torch.randn(t.shape) if t.is_floating_point() else torch.tensor(7) for key, t in shapes.items()}


def test_layer_scales_stand_elsewhere_in_torchvision() -> None:
    """In front of the block's layers there, behind them here."""
    state = random_state("convnext_tiny")
    found = match(load("convnext_tiny").graph, state)
    assert found.fits
    scales = [value for key, value in state.items() if key.endswith("layer_scale")]
    ours = [value for key, value in found.taken.items() if key.endswith("layer_scale")]
    assert len(scales) == 18
    assert all(a is b for a, b in zip(scales, ours, strict=True))


def test_old_state_dicts_have_no_counter() -> None:
    state = {key: value for key, value in random_state("resnet18").items() if "num_batches" not in key}
    assert match(load("resnet18").graph, state).fits
    build(load("resnet18"), weights=state)


def test_other_classes_do_not_fit_unless_asked_for() -> None:
    state = random_state("resnet18")
    network = load("resnet18", num_classes=10)
    with pytest.raises(ConfigError) as caught:
        build(network, weights=state)
    assert "120 of 122 tensors found; without weights: fc.weight (10x512), fc.bias (10)" in str(caught.value)
    assert "without a place: fc.weight (1000x512), fc.bias (1000)" in str(caught.value)
    model = build(network, weights=state, partial=True)
    assert torch.equal(model.get_parameter("conv1.weight"), state["conv1.weight"])
    assert torch.equal(model.get_parameter("layer4.1.conv2.weight"), state["layer4.1.conv2.weight"])


def test_heads_that_are_not_there_are_told() -> None:
    """torchvision's googlenet owns its auxiliary classifiers, ours only where they are asked for."""
    with torch.device("meta"):
        model = torchvision.models.googlenet(weights=None, init_weights=False)
    state = model.state_dict()
    found = match(load("googlenet").graph, state)
    assert not found.missing
    assert {slot.name.partition(".")[0] for slot in found.unused} == {"aux1", "aux2"}
    # The second layers of the heads have its shape and stand before it.
    assert found.taken["fc.weight"] is next(value for key, value in state.items() if key == "fc.weight")


def test_one_more_layer_in_the_middle() -> None:
    layers = [nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3), nn.Conv2d(5, 6, 3)]
    text = "input: [3, 16, 16]\nlayers:\n" + "".join(
        f"  - {{type: conv2d, out_channels: {channels}, kernel_size: {kernel}}}\n"
        for channels, kernel in ((4, 3), (5, 3), (5, 1), (6, 3))
    )
    found = match(loads(text).graph, nn.Sequential(*layers).state_dict())
    assert [slot.name for slot in found.missing] == ["conv3.weight", "conv3.bias"]
    assert torch.equal(found.taken["conv4.weight"], layers[2].weight)
    assert not found.unused


def test_names_come_before_the_order() -> None:
    network = loads("input: [8]\nlayers: [{type: linear, out_features: 8}, {type: linear, out_features: 8}]")
    state = dict(reversed(build(network).state_dict().items()))
    found = match(network.graph, state)
    assert all(found.taken[name] is value for name, value in state.items())


def test_what_training_scripts_save(tmp_path: Path) -> None:
    state = random_state("resnet18")
    torch.save({"epoch": 3, "state_dict": {f"module.{key}": value for key, value in state.items()}}, tmp_path / "c.pt")
    model = build(load("resnet18"), weights=tmp_path / "c.pt")
    assert torch.equal(model.get_parameter("conv1.weight"), state["conv1.weight"])


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = random_state("resnet18")
    torch.save(state, tmp_path / "w.pt")
    made = tmp_path / "made.pt"
    assert main(["build", "resnet18", "--weights", str(tmp_path / "w.pt"), "-o", str(made)]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "w.pt: 122 of 122 tensors found" in printed.err
    loaded = torch.load(made, weights_only=True)
    assert all(torch.equal(a, b) for a, b in zip(loaded.values(), state.values(), strict=True))
    arguments = ["build", "resnet18", "--set", "num_classes=9", "--weights", str(tmp_path / "w.pt"), "-o", str(made)]
    assert main(arguments) == 1
    assert "does not fit resnet18: 120 of 122" in capsys.readouterr().err
    assert main([*arguments, "--partial"]) == 0
    assert "120 of 122 tensors found; without weights: fc.weight (9x512)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("nowhere.pt", "cannot read nowhere.pt"),
        ("torchvision:ResNet50", "torchvision has no weights 'ResNet50'"),
        ("torchvision:ResNet50_Weights.V9", "torchvision has no weights"),
        ("torchvision:", "torchvision has no weights ''"),
    ],
)
def test_weights_that_are_none(weights: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(load("resnet18"), weights=weights)
    assert message in str(caught.value)
