"""State dicts of other code: matched in order, told where they do not fit."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from archlab.api.load import load, loads
from archlab.api.network import Network
from archlab.cli.main import main
from archlab.config.dump import expanded_config
from archlab.diagnostics.problem import ConfigError
from archlab.torch.build import build
from archlab.torch.weights import match
from tests import presets


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


class Block(nn.Module):
    """A residual unit with modules of other names, the shortcut declared where `first` says."""

    def __init__(self, width: int, names: tuple[str, ...], *, shortcut_first: bool) -> None:
        super().__init__()
        body = [nn.Conv2d(width, width, 1, bias=False) for _ in names[1:]]
        modules = dict(zip(names, [nn.Conv2d(width, width, 1, bias=False), *body], strict=True))
        order = list(names) if shortcut_first else [*names[1:], names[0]]
        for name in order:
            self.add_module(name, modules[name])


def residual(repeat: int, *, shortcut_first: bool) -> Network:
    body = "    body: [{type: conv2d, out_channels: 8, kernel_size: 1, bias: false, repeat: 2}]\n"
    shortcut = "    shortcut: [{type: conv2d, out_channels: 8, kernel_size: 1, bias: false}]\n"
    parts = shortcut + body if shortcut_first else body + shortcut
    return loads(f"input: [8, 4, 4]\nlayers:\n  - name: unit\n    type: residual\n    repeat: {repeat}\n{parts}")


def pairs(network: Network, model: nn.Module) -> dict[str, str]:
    """Where each module's tensors come from, bare of `.weight`."""
    found = match(network.graph, model.state_dict())
    assert found.fits
    return {mine.removesuffix(".weight"): other.removesuffix(".weight") for mine, other in found.sources.items()}


UNITS = {
    f"unit.{i}.{mine}": f"unit.{i}.{other}"
    for i in range(3)
    for mine, other in (("conv1", "conv1"), ("conv2", "conv2"), ("shortcut.conv", "downsample"))
}


@pytest.mark.parametrize("ours_first", [False, True])
@pytest.mark.parametrize("theirs_first", [False, True])
@pytest.mark.parametrize("wrapped", [False, True])
def test_equal_shapes_in_another_order_go_by_names(ours_first: bool, theirs_first: bool, wrapped: bool) -> None:  # noqa: FBT001
    """An hourglass whose shortcut is declared first; DataParallel in front of all names."""
    units = [Block(8, ("downsample", "conv1", "conv2"), shortcut_first=theirs_first) for _ in range(3)]
    model = nn.ModuleDict({"unit": nn.ModuleList(units)})
    network = residual(3, shortcut_first=ours_first)
    found = pairs(network, nn.ModuleDict({"module": model}) if wrapped else model)
    assert found == {mine: f"module.{other}" if wrapped else other for mine, other in UNITS.items()}
    matching = match(network.graph, model.state_dict())
    assert matching.summary() == "9 of 9 tensors found; matched: 9 by name"
    assert matching.warnings() == []


def test_names_that_say_nothing_are_told_to_be_ambiguous(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = Block(8, ("left", "right", "middle"), shortcut_first=True)
    network = residual(1, shortcut_first=False)
    found = match(network.graph, model.state_dict())
    assert found.doubtful == {"unit.0.conv1": "left", "unit.0.conv2": "right", "unit.0.shortcut.conv": "middle"}
    with pytest.warns(UserWarning, match=r"unit\.0\.conv1 <- left, unit\.0\.conv2 <- right"):
        build(network, weights=model.state_dict())
    torch.save(model.state_dict(), tmp_path / "w.pt")
    (tmp_path / "net.yaml").write_text(expanded_config(network.graph))
    made = str(tmp_path / "made.pt")
    assert main(["build", str(tmp_path / "net.yaml"), "--weights", str(tmp_path / "w.pt"), "-o", made]) == 0
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("w.pt: 3 of 3 tensors found; matched: 3 ambiguous")
    assert "warning: " in second
    assert "several orders fit the shapes of 3 modules" in second
    assert "<- left, " in second


def test_numbers_that_count_otherwise() -> None:
    """A Sequential counts its activations too, and others count from 1; both are in order."""
    network = loads(
        "input: [8]\nlayers: [{name: fc, type: linear, out_features: 8, repeat: 3}, {type: linear, out_features: 2}]"
    )
    for numbers in ((0, 2, 4), (1, 2, 3), (2, 3, 4)):
        model = nn.Module()
        scope = nn.Module()
        for number in numbers:
            scope.add_module(str(number), nn.Linear(8, 8))
        model.add_module("fc", scope)
        model.add_module("head", nn.Linear(8, 2))
        found = pairs(network, model)
        assert [found[f"fc.{i}"] for i in range(3)] == [f"fc.{number}" for number in numbers]
        assert match(network.graph, model.state_dict()).warnings() == []


def test_words_that_are_numbered_from_another_number_on_say_nothing() -> None:
    """`branch1` here is `branch0` there, which no name may hide."""
    network = loads("""
        input: [8, 8, 8]
        blocks:
          unit:
            layers:
              - type: branches
                merge: add
                paths:
                  - {type: conv2d, out_channels: 8, kernel_size: 1}
                  - [{type: conv2d, out_channels: 8, kernel_size: 1}, {type: sigmoid}]
                  - [{type: max_pool2d, kernel_size: 1}, {type: conv2d, out_channels: 8, kernel_size: 1}]
        layers: [{name: units, use: unit, repeat: 2}]
    """)
    model = nn.Module()
    for unit in range(2):
        scope = nn.Module()
        for branch in range(3):
            scope.add_module(f"branch{branch}", nn.Sequential(nn.Conv2d(8, 8, 1)))
        model.add_module(f"features{unit}", scope)
    state = model.state_dict()
    found = match(network.graph, state)
    expected = [value for key, value in state.items() if key.endswith("weight")]
    ours = [value for key, value in found.taken.items() if key.endswith("weight")]
    assert all(a is b for a, b in zip(ours, expected, strict=True))


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
    assert "w.pt do not fit resnet18: 120 of 122" in capsys.readouterr().err
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


def _with(state: dict[str, Any], **changed: Any) -> dict[Any, Any]:
    return {**state, **{name.replace("__", "."): value for name, value in changed.items()}}


@pytest.fixture(scope="module")
def small() -> tuple[Network, dict[str, Tensor]]:
    network = loads(
        "input: [3, 8, 8]\nlayers: [{name: a, type: conv2d, out_channels: 4, kernel_size: 3}, "
        "{name: b, type: batch_norm2d}]"
    )
    return network, dict(build(network).state_dict())


ODD: list[tuple[str, Callable[[Tensor], Any], str]] = [
    ("sparse", lambda t: t.to_sparse(), "a.weight is sparse (sparse_coo); save a.weight.to_dense()"),
    ("meta", lambda t: t.to("meta"), "a.weight has a shape but no values"),
    ("complex", lambda t: torch.complex(t, t), "a.weight is complex (complex64), and the network's layers are real"),
    ("quantized", lambda t: torch.quantize_per_tensor(t, 0.1, 0, torch.qint8), "a.weight is quantized (qint8)"),
    ("whole", lambda t: t.to(torch.int8), "a.weight holds whole numbers (int8), and the network's is float32"),
    ("number", lambda _: 3.0, "'a.weight' is a number"),
    ("inside", lambda t: {"weight": t}, "'a.weight' is a mapping"),
    ("nested", lambda t: torch.nested.nested_tensor([t[0], t[1]]), "'a.weight' is a nested tensor"),
]


@pytest.mark.filterwarnings("ignore:.*(nested|quantiz)")
@pytest.mark.parametrize(("change", "message"), [odd[1:] for odd in ODD], ids=[odd[0] for odd in ODD])
def test_odd_tensors_are_told(
    change: Callable[[Tensor], Any], message: str, small: tuple[Network, dict[str, Tensor]]
) -> None:
    network, state = small
    with pytest.raises(ConfigError) as caught:
        build(network, weights=_with(state, a__weight=change(state["a.weight"])))
    assert message in str(caught.value)


def test_odd_mappings_are_told(small: tuple[Network, dict[str, Tensor]]) -> None:
    network, state = small
    for weights, message in (
        ({3: state["a.weight"]}, "the key 3 is a number"),
        ({}, "it is empty"),
        ({**state, "a.weight\x1b[31m": state["a.weight"].clone()}, "a.weight\N{REPLACEMENT CHARACTER}[31m (4x3x3x3)"),
    ):
        with pytest.raises(ConfigError) as caught:
            build(network, weights=weights)  # type: ignore[arg-type]
        assert message in str(caught.value)


def test_values_that_are_not_finite_are_told(small: tuple[Network, dict[str, Tensor]]) -> None:
    network, state = small
    broken = state["a.weight"].clone()
    broken[0, 0, 0] = float("nan")
    with pytest.warns(UserWarning, match=r"not finite \(nan or inf\): a\.weight \(3 of its values\)"):
        build(network, weights=_with(state, a__weight=broken))
    with pytest.warns(UserWarning, match="a.bias"):  # too large for float32
        build(network, weights=_with(state, a__bias=torch.full((4,), 1e300, dtype=torch.float64)))


def test_other_precisions_are_converted(small: tuple[Network, dict[str, Tensor]]) -> None:
    network, state = small
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        model = build(network, weights={name: tensor.to(dtype) for name, tensor in state.items()})
        assert torch.allclose(model.get_parameter("a.weight"), state["a.weight"], atol=1e-2)


class _Model(nn.Linear):
    """Pickled whole, it would run code."""


def test_odd_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save(_Model(2, 2), path)
    bomb, pipe, text = (tmp_path / name for name in ("bomb.pt", "pipe.pt", "text.pt"))
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("archive/data.pkl", b"\0" * 10_000_000)
    os.mkfifo(pipe)
    text.write_text("no weights")
    for file, message in (
        (path, "it holds objects or code; save only the model's state_dict()"),
        (bomb, "unpacks to 10,000,000; torch.save packs nothing"),
        (pipe, "not a regular file"),
        (tmp_path, "not a regular file"),
        (text, "text.pt does not hold a state dict"),
    ):
        with pytest.raises(ConfigError) as caught:
            build(load("alexnet"), weights=file, device="meta")
        assert message in str(caught.value)


def test_a_part_of_a_large_storage_is_its_part(tmp_path: Path, small: tuple[Network, dict[str, Tensor]]) -> None:
    network, state = small
    large = torch.randn(1000, 3, 3, 3)
    torch.save(_with(state, a__weight=large[7:11], a__bias=torch.zeros(1).expand(4)), tmp_path / "w.pt")
    model = build(network, weights=tmp_path / "w.pt")
    assert torch.equal(model.get_parameter("a.weight"), large[7:11])
    assert model.get_parameter("a.weight").untyped_storage().nbytes() == 4 * 4 * 27


def test_weights_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A network of the same tensors that strides elsewhere, as timm's legacy_seresnet50 beside se_resnet50."""
    here = "input: [3, 16, 16]\nlayers: [{type: conv2d, out_channels: 8, kernel_size: 1, stride: %d},"
    here += " {type: relu}, {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, stride: %d}]\n"
    (tmp_path / "net.yaml").write_text(here % (1, 2))
    model = build(loads(here % (2, 1))).eval()
    sample = torch.randn(2, 3, 16, 16)
    files = {name: str(tmp_path / f"{name}.pt") for name in ("w", "check", "bad", "made")}
    torch.save(model.state_dict(), files["w"])
    command = ["build", str(tmp_path / "net.yaml"), "--weights", files["w"], "-o", files["made"], "--weights-check"]
    with torch.no_grad():
        torch.save({"input": sample, "output": model(sample)}, files["check"])
        torch.save({"input": sample, "output": build(loads(here % (1, 2)), weights=files["w"])(sample)}, files["bad"])
    assert main([*command, files["check"]]) == 1
    assert "of its largest value (at most 0.1%): either a tensor went to another" in capsys.readouterr().err
    assert not Path(files["made"]).exists()
    assert main([*command, files["bad"]]) == 0  # that of this network
    assert "output equal, up to 0.0e+00 of its largest value" in capsys.readouterr().err
    for wrong, message in (
        ({"input": sample}, "no mapping with input and output"),
        ({"input": sample[:, :2], "output": sample}, "its input is 2x2x16x16, not Nx3x16x16"),
        ({"input": sample, "output": sample}, "its output is 2x3x16x16, and the network's 2x8x8x8"),
        ({"input": sample, "output": [sample, sample]}, "its outputs are output 1, output 2, and the network's output"),
        ({"input": sample, "output": 3}, "its output is no dense tensor of real numbers"),
    ):
        torch.save(wrong, files["bad"])
        assert main([*command, files["bad"]]) == 1
        assert message in capsys.readouterr().err
    assert main(["build", "alexnet", "-o", files["made"], "--weights-check", files["check"]]) == 1
    assert "--weights-check checks weights; give them with --weights" in capsys.readouterr().err


def test_what_is_in_no_state_dict_is_not_asked_for() -> None:
    network = loads("input: [3, 8, 8]\nlayers: [{type: conv2d, out_channels: 4, kernel_size: 1}, {type: blur_pool2d}]")
    model = build(network, weights=nn.Sequential(nn.Conv2d(3, 4, 1)).state_dict())
    assert "filt" in {name.rpartition(".")[2] for name, _ in model.named_buffers()}


OF_EVERY_KIND = """
input: [8, 8, 8]
init: {conv2d: {weight: xavier_uniform, bias: ones}}
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, norm: batch_norm2d}
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, weight: spectral_norm, norm: layer_norm2d}
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, weight: weight_norm, activation: prelu}
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, weight: scaled_standardized}
  - {type: deform_conv2d, out_channels: 8, kernel_size: 3, padding: 1, modulated: true}
  - {type: blur_pool2d, stride: 1}
  - {type: layer_scale, bias: true}
  - {name: a, type: evo_norm2d_s0, groups: 4}
  - {type: relu}
  - {type: weighted_add, with: [a]}
  - {type: flatten}
  - {type: linear, out_features: 4}
"""


@pytest.mark.parametrize("name", ["of every kind", "mobilevit_xxs"])
def test_no_weights_are_drawn_where_all_are_given(name: str) -> None:
    """What is in no state dict is there all the same, and what is fresh stays fresh where some are missing."""
    network = loads(OF_EVERY_KIND) if name == "of every kind" else presets.shallow(name)
    fresh = build(network).eval()
    before = torch.get_rng_state()
    model = build(network, weights=fresh.state_dict()).eval()
    assert torch.equal(torch.get_rng_state(), before)
    for there in (nn.Module.named_parameters, nn.Module.named_buffers):
        pairs = list(zip(there(fresh), there(model), strict=True))
        assert all(key == name and torch.equal(a, b) for (key, a), (name, b) in pairs)
    first = next(iter(fresh.state_dict())).rpartition(".")[0]
    of_one = {key: tensor for key, tensor in fresh.state_dict().items() if key.startswith(first)}
    torch.manual_seed(0)
    expected = build(network).state_dict() | of_one
    torch.manual_seed(0)
    found = build(network, weights=of_one, partial=True).state_dict()
    assert all(torch.equal(expected[name], tensor) for name, tensor in found.items())


class Scaled(nn.Module):
    """A pointwise network as others write it: 1x1 convolutions, and factors that their block owns, in vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.rand(4))
        self.fc1, self.fc2 = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.gamma.reshape(-1, 1, 1) * self.fc2(self.fc1(x).relu())
        return result


POINTWISE = """
input: [3, 6, 5]
layers:
  - {type: channels_last}
  - {type: linear, out_features: 8, activation: relu}
  - {type: linear, out_features: 4}
  - {type: channels_first}
  - {type: layer_scale}
"""


@pytest.mark.parametrize("maps", [None, {"fc*": "fc*", "gamma": "scale.layer_scale"}])
def test_dimensions_of_one_and_names_of_single_tensors_differ(maps: dict[str, str] | None) -> None:
    theirs = Scaled()
    ours = build(loads(POINTWISE), weights=theirs.state_dict(), weights_map=maps)
    sample = torch.rand(2, 3, 6, 5)
    torch.testing.assert_close(ours.eval()(sample), theirs(sample))


def test_single_tensors_of_another_number_have_no_place() -> None:
    state = {**Scaled().state_dict(), "more": torch.rand(4)}
    with pytest.raises(
        ConfigError, match=r"without weights: scale.layer_scale \(4x1x1\); without a place: gamma \(4\)"
    ):
        build(loads(POINTWISE), weights=state)


def test_single_tensors_go_in_the_order_that_their_numbers_tell() -> None:
    network = loads("input: [3, 6, 5]\nlayers: [{name: s, type: layer_scale, repeat: 2}]")
    state = {"blocks.0.gamma": torch.rand(3), "blocks.1.gamma": torch.rand(3)}
    model = build(network, weights=state)
    assert torch.equal(model.get_parameter("s.0.layer_scale").flatten(), state["blocks.0.gamma"])
    assert torch.equal(model.get_parameter("s.1.layer_scale").flatten(), state["blocks.1.gamma"])
    with pytest.warns(UserWarning, match="several orders fit the shapes of 2 modules"):
        build(network, weights={"a.gamma": torch.rand(3), "b.gamma": torch.rand(3)})


def test_a_factor_with_a_shift_has_other_words_elsewhere() -> None:
    """A StarReLU (Yu et al. 2022) owns a scale and a bias, vectors of one number."""
    network = loads("input: [3, 6, 5]\nlayers: [{name: s, type: layer_scale, per_channel: false, bias: true}]")
    state = {"act.scale": torch.tensor([3.0]), "act.bias": torch.tensor([5.0])}
    model = build(network, weights=state)
    torch.testing.assert_close(model(torch.ones(1, 3, 6, 5)), torch.full((1, 3, 6, 5), 8.0))
