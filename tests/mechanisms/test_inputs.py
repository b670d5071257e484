"""Networks with several inputs, by name."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archlab.analysis.conditions import Conditions
from archlab.api.load import load, loads
from archlab.api.network import Network
from archlab.cli.main import main
from archlab.config.dump import expanded_config
from archlab.diagnostics.problem import ConfigError
from archlab.torch.build import build
from archlab.torch.export import export, export_onnx
from archlab.torch.samples import samples
from archlab.torch.source import to_source
from archlab.torch.verify import verify
from archlab.torch.verify_field import verify_receptive_field
from archlab.torch.verify_memory import verify_memory

CONFIG = Path(__file__).with_name("inputs.yaml")


class Conditioned(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.scale = nn.Conv2d(16, 8, 1)
        self.end = nn.Conv2d(12, 8, 3, padding=1)
        self.head = nn.Linear(8, 5)

    def forward(self, image: Tensor, t: Tensor, prior: Tensor) -> Any:
        x = self.stem(image) * self.scale(t).sigmoid()
        end = self.end(torch.cat([x, prior], 1))
        return end, self.head(end.mean((2, 3)))


@pytest.fixture
def network() -> Network:
    return load(str(CONFIG))


def test_equal_to_a_model_by_hand(network: Network) -> None:
    model, built = Conditioned().eval(), build(network).eval()
    names = list(built.state_dict())
    assert len(names) == len(model.state_dict())
    built.load_state_dict(dict(zip(names, model.state_dict().values(), strict=True)))
    given = samples(network.graph, 2, torch.randn)
    with torch.no_grad():
        torch.testing.assert_close(built(*given), model(*given))
        with FlopCounterMode(display=False) as counter:
            model(*given)
    total = network.analyze(batch=2).total
    assert total.params == sum(parameter.numel() for parameter in model.parameters())
    assert 2 * total.macs == counter.get_total_flops()


@pytest.mark.parametrize(
    "conditions",
    [Conditions(), Conditions(2, channels_last=True), Conditions(2, autocast="bfloat16")],
)
def test_verified(network: Network, conditions: Conditions) -> None:
    for report in (verify(network), verify_receptive_field(network)):
        assert report.ok, report.render()
    memory = verify_memory(network, conditions)
    assert {peak.predicted - peak.counted for peak in memory.peaks} == {0}


def test_fields_of_each_input_by_gradients(network: Network) -> None:
    """The middle unit of the first result, and what it reads of each map."""
    found = {row["name"]: row["receptive_field"] for row in network.analyze().to_dict()["inputs"]}
    model = build(network).double().eval()
    given = [tensor.double().requires_grad_() for tensor in samples(network.graph, 1, torch.randn)]
    end, _ = model(*given)
    end[0, :, 8, 6].sum().backward()
    for node, tensor in zip(network.graph.inputs, given, strict=True):
        assert tensor.grad is not None
        rows = tensor.grad[0].abs().sum((0, 2)).nonzero().flatten().tolist()
        assert found[node.path]["size"][0] == rows[-1] - rows[0] + 1
        first = found[node.path]["start"][0] + 8 * found[node.path]["stride"][0]
        assert first == rows[0]


def test_what_does_not_see_an_input() -> None:
    text = "input: {a: [3, 8, 8], b: [3, 8, 8]}\nlayers:\n  - {name: one, type: relu}\n"
    network = loads(
        text + "  - {name: two, from: b, type: conv2d, out_channels: 2, kernel_size: 3}\noutputs: [one, two]\n"
    )
    analysis = network.analyze()
    rows = {layer["path"]: layer["receptive_field"]["size"] for layer in analysis.to_dict()["layers"]}
    assert rows == {"b": [0, 0], "one": [1, 1], "two": [0, 0]}
    first, second = analysis.to_dict()["inputs"]
    assert first["receptive_field"]["size"] == [1, 1]
    assert second["receptive_field"] is None
    assert verify_receptive_field(network).ok


@pytest.mark.usefixtures("translations")
def test_source_export_and_onnx(network: Network, tmp_path: Path) -> None:
    model = build(network).eval()
    given = samples(network.graph, 2, torch.randn)
    written = ModuleType("written")
    exec(to_source(network.graph), written.__dict__)  # noqa: S102 - our own text
    other = written.__dict__["Inputs"]().eval()
    other.load_state_dict(model.state_dict(), strict=True)
    torch.testing.assert_close(other(*given), model(*given), rtol=0, atol=0)
    torch.testing.assert_close(export(model, network.graph).module()(*given), model(*given))
    export_onnx(model, network.graph, tmp_path / "inputs.onnx")
    assert [one.name for one in onnx.load(tmp_path / "inputs.onnx").graph.input] == ["image", "t", "prior"]


def test_expanded_config_is_the_same_network(network: Network) -> None:
    other = loads(expanded_config(network.graph), name="inputs")
    assert [(one.path, one.shape) for one in other.graph.inputs] == [
        (one.path, one.shape) for one in network.graph.inputs
    ]
    assert other.analyze().total.macs == network.analyze().total.macs


def test_other_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    network = load(str(CONFIG), input={"image": (3, 64, 64), "prior": (4, 32, 32)})
    assert [node.shape for node in network.graph.inputs] == [(3, 64, 64), (16, 1, 1), (4, 32, 32)]
    assert load(str(CONFIG), input=(3, 31, 23)).graph.input_shape == (3, 31, 23)
    assert main(["analyze", str(CONFIG), "--input", "image=3x64x64,prior=4x32x32"]) == 0
    assert "inputs image 1x3x64x64, t 1x16x1x1, prior 1x4x32x32" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="the network has no input 'img'; did you mean 'image'"):
        load(str(CONFIG), input={"img": (3, 64, 64)})
    with pytest.raises(ConfigError, match="the network has one input, so that 'image' names none"):
        load("resnet18", input={"image": (3, 64, 64)})


def test_weights_check(network: Network, tmp_path: Path) -> None:
    from archlab.torch.weights_check import check_weights

    model = build(network).eval().requires_grad_(False)
    given = dict(zip(["image", "t", "prior"], samples(network.graph, 2, torch.randn), strict=True))
    torch.save({"input": given, "output": list(model(*given.values()))}, tmp_path / "both.pt")
    assert "output equal" in check_weights(model, network.graph, tmp_path / "both.pt")
    torch.save({"input": given["image"], "output": list(model(*given.values()))}, tmp_path / "one.pt")
    with pytest.raises(ConfigError, match="its inputs are input, not image, t, prior"):
        check_weights(model, network.graph, tmp_path / "one.pt")


def test_a_block_that_is_such_a_network(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(CONFIG.read_text())
    (tmp_path / "use.yaml").write_text(
        "input: {x: [3, 16, 16], cond: [16, 1, 1], map: [4, 8, 8]}\n"
        "blocks: {net: {extends: net.yaml, outputs: [end]}}\n"
        "layers: [{name: a, use: net, with: [cond, map]}]\n"
    )
    network = load(str(tmp_path / "use.yaml"))
    assert network.graph.nodes[-1].path == "a.end"
    assert verify(network).ok
