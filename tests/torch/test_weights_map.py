"""Weights by name: a map of the state dict's names to the network's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from archlab.api.load import loads
from archlab.api.network import Network
from archlab.cli.main import main
from archlab.diagnostics.problem import ConfigError
from archlab.torch.build import build
from archlab.torch.weights import match
from archlab.torch.weights_map import WeightsMap, read_map

CONFIG = """
input: [4, 6, 6]
layers:
  - {name: stem, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}
  - name: body
    type: residual
    body: [{name: a, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}]
    shortcut: [{name: b, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}]
"""
NAMES = {"first": "stem", "layer1.0.down": "body.shortcut.b", "layer1.0.conv": "body.a"}
MAP: dict[str, str | None] = dict(NAMES)


def network() -> Network:
    return loads(CONFIG)


def state() -> dict[str, Tensor]:
    """Another model's, whose shortcut stands in front of the body: all modules have the same shapes."""
    torch.manual_seed(0)
    model = nn.ModuleDict()
    for name in NAMES:
        model[name.replace(".", "_")] = nn.Conv2d(4, 4, 3, padding=1)
    found = model.state_dict()
    return {key.replace("layer1_0_", "layer1.0."): value for key, value in found.items()}


def test_a_map_says_what_goes_where() -> None:
    weights = state()
    model = build(network(), weights=weights, weights_map=MAP)
    for old, new in NAMES.items():
        assert torch.equal(model.get_parameter(f"{new}.weight"), weights[f"{old}.weight"])
        assert torch.equal(model.get_parameter(f"{new}.bias"), weights[f"{old}.bias"])


def test_without_a_map_one_is_warned() -> None:
    """Three modules of one shape, whose names say nothing: taken in order, and told."""
    with pytest.warns(UserWarning, match=r"several orders fit .*weights_check\), or name them \(weights_map\)"):
        build(network(), weights=state())


def test_what_the_map_leaves_open_is_matched_as_ever() -> None:
    found = match(network().graph, state(), read_map({"layer1.0.down": "body.shortcut.b"}))
    assert found.fits
    assert found.by_map == 2
    assert found.sources["body.shortcut.b.weight"] == "layer1.0.down.weight"
    assert found.summary() == "6 of 6 tensors found; matched: 2 by map, 4 ambiguous"


@pytest.mark.parametrize(
    ("rules", "renamed"),
    [
        ({"layer*.*.down": "body*.*.short"}, {"layer1.0.down.weight": "body1.0.short.weight", "layer.0.down.x": ""}),
        ({"a.weight": "b.kernel"}, {"a.weight": "b.kernel", "a.weights": ""}),
        ({"*.a": "x*y.b"}, {"q.a.w": "xqy.b.w", "q.b.w": ""}),
    ],
)
def test_stars(rules: WeightsMap, renamed: dict[str, str]) -> None:
    (rule,) = read_map(rules)
    assert {name: rule.renamed(name) if rule.fits(name) else "" for name in renamed} == renamed


def test_rows_of_a_tensor_go_to_several_layers() -> None:
    text = "input: [4, 6, 6]\nlayers:\n" + "".join(
        f"  - {{name: {name}, type: conv2d, out_channels: 4, kernel_size: 1}}\n" for name in ("q", "k")
    )
    weights = {"attn.in_proj_weight": torch.randn(8, 4, 1, 1), "attn.in_proj_bias": torch.randn(8)}
    names: dict[str, str | None] = {
        f"attn.in_proj_{word}[{start}:{start + 4}]": f"{name}.{word}"
        for word in ("weight", "bias")
        for name, start in (("q", 4), ("k", 0))
    }
    model = build(loads(text), weights=weights, weights_map=names)
    for word in ("weight", "bias"):
        whole = weights[f"attn.in_proj_{word}"]
        assert torch.equal(model.get_parameter(f"q.{word}"), whole[4:])
        assert torch.equal(model.get_parameter(f"k.{word}"), whole[:4])
    del names["attn.in_proj_bias[4:8]"]
    with pytest.raises(ConfigError, match=r"3 of 4 tensors found; without weights: q\.bias"):
        build(loads(text), weights=weights, weights_map=names)
    with pytest.raises(ConfigError, match=r"'attn\.in_proj_weights\[0:4\]' fits no tensor of the weights"):
        build(loads(text), weights=weights, weights_map={**names, "attn.in_proj_weights[0:4]": "k.bias"})


WRONG: list[tuple[dict[str, str | None], str]] = [
    ({"first": "stern"}, "'first.weight' becomes 'stern.weight', which the network does not have; did you mean 'stem"),
    ({"frist": "stem"}, "'frist' fits no tensor of the weights; did you mean 'first'?"),
    ({"first": "stem", "layer1.0.down": "stem"}, "'first.weight' and 'layer1.0.down.weight' both become 'stem.weight'"),
    ({"first.weight": "stem.bias"}, "first.weight (4x4x3x3) cannot become stem.bias (4): their shapes differ"),
    ({"layer*.0": "body"}, "'layer*.0' and 'body' have different numbers of *"),
    ({"**": "*"}, "'**': one * in each part between dots is enough"),
    ({"first": None}, "4 of 6 tensors found; without weights: body.shortcut.b.weight (4x4x3x3)"),
]


@pytest.mark.parametrize(("rules", "message"), WRONG)
def test_what_is_wrong(rules: dict[str, str | None], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(network(), weights=state(), weights_map=rules)
    assert message in str(caught.value)


def test_at_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, names, weights = tmp_path / "net.yaml", tmp_path / "names.yaml", tmp_path / "old.pt"
    config.write_text(CONFIG)
    names.write_text("first: stem\nlayer1.0.down: body.shortcut.b\nlayer1.0.conv: body.a\n")
    torch.save(state(), weights)
    command = ["build", str(config), "-o", str(tmp_path / "new.pt"), "--weights", str(weights)]
    assert main([*command, "--weights-map", str(names)]) == 0
    assert "6 of 6 tensors found; matched: 6 by map" in capsys.readouterr().err
    made = torch.load(tmp_path / "new.pt")
    assert torch.equal(made["body.a.weight"], state()["layer1.0.conv.weight"])
    names.write_text("first: stem\nlayer1.0.down: [body]\n")
    assert main([*command, "--weights-map", str(names)]) == 1
    printed = capsys.readouterr()
    assert "names.yaml:2:16: 'layer1.0.down' becomes a name, or null to leave it out" in printed.out + printed.err
    assert main([*command[:4], "--weights-map", str(names)]) == 1
    assert "--weights-map names weights; give them with --weights" in "".join(capsys.readouterr())


def test_shared_modules_have_several_names_in_other_state_dicts() -> None:
    shared = nn.Conv2d(4, 4, 3, padding=1)
    weights = nn.ModuleDict({"one": shared, "again": shared}).state_dict()
    text = "input: [4, 6, 6]\nlayers:\n  - {name: c, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}\n"
    network = loads(text + "  - {share: c}\n")
    found = match(network.graph, weights)
    assert found.fits
    assert found.sources == {"c.weight": "one.weight", "c.bias": "one.bias"}
