"""The same weights again: `share: NAME`, and `repeat` with `share: true`."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archlab
from archlab.analysis.conditions import Conditions
from archlab.api.load import load, loads
from archlab.api.network import Network
from archlab.config.dump import expanded_config
from archlab.torch.build import build
from archlab.torch.source import to_source
from archlab.torch.verify import verify
from archlab.torch.verify_memory import verify_memory
from tests.mechanisms.equality import FOLDER, assert_equal


class Heads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.p3 = nn.Conv2d(3, 8, 3, padding=1)
        self.p4 = nn.Conv2d(8, 8, 3, padding=1, stride=2)
        self.p5 = nn.Conv2d(8, 8, 3, padding=1, stride=2)
        tower = [nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()) for _ in "ab"]
        self.head = nn.Sequential(*tower, nn.Conv2d(8, 4, 3, padding=1))

    def forward(self, x: Tensor) -> Any:
        p3 = self.p3(x)
        p4 = self.p4(p3)
        return tuple([self.head(level) for level in (p3, p4, self.p5(p4))])


class Gate(nn.Module):
    """Woo et al. 2018."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(16, 16, 3, padding=1)
        self.mlp = nn.Sequential(nn.Conv2d(16, 4, 1, bias=False), nn.ReLU(), nn.Conv2d(4, 16, 1, bias=False))

    def forward(self, x: Tensor) -> Any:
        x = self.features(x)
        pooled = self.mlp(x.mean((2, 3), keepdim=True)) + self.mlp(x.amax((2, 3), keepdim=True))
        return x * pooled.sigmoid()


class Repeats(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(8, 8, 3, padding=1)
        self.body = nn.Sequential(*[nn.Sequential(nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1)) for _ in range(2)])
        self.last = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Any:
        first = self.first(x)
        x = self.body(first) + first
        for _ in range(3):
            x = self.body(x)
        for _ in range(4):
            x = self.last(x)
        return x


class Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(3, 8, 3, padding=1, stride=2, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
            nn.Conv2d(8, 8, 3, padding=1),
        )
        self.shortcut = nn.Conv2d(3, 8, 1, stride=2)
        self.linear = nn.Linear(16 * 8 * 8, 2)

    def encode(self, x: Tensor) -> Tensor:
        result: Tensor = self.body(x) + self.shortcut(x)
        return result

    def forward(self, x: Tensor) -> Any:
        both = [self.encode(x[:, 3:]), self.encode(x[:, :3])]
        return self.linear(torch.cat(both, 1).flatten(1))


MODELS: dict[str, Any] = {
    "share_heads": Heads,
    "share_branches": Gate,
    "share_repeats": Repeats,
    "share_siamese": Siamese,
}


@pytest.mark.parametrize("name", MODELS)
def test_equal_to_a_model_by_hand(name: str) -> None:
    network = assert_equal(name, MODELS[name]())
    assert network.graph.repeats()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "conditions",
    [
        Conditions(2, channels_last=True),
        Conditions(2, autocast="bfloat16"),
        Conditions(2, checkpoint=["*"]),
        Conditions(2, checkpoint=["*.*"], autocast="bfloat16"),
    ],
    ids=["channels_last", "autocast", "checkpoints", "both"],
)
def test_memory_under_other_conditions(name: str, conditions: Conditions) -> None:
    network = load(str(FOLDER / f"{name}.yaml"))
    if conditions.checkpoint and name == "share_branches":
        conditions = Conditions(2, checkpoint=["branch*"])
    if conditions.checkpoint == ["*.*"]:
        conditions = Conditions(2, checkpoint=["*"], autocast="bfloat16")
    report = verify_memory(network, conditions)
    assert report.ok, report.render()
    assert {peak.predicted - peak.counted for peak in report.peaks} == {0}


@pytest.mark.parametrize("name", MODELS)
def test_source_has_the_same_state_dict_and_output(name: str) -> None:
    network = load(str(FOLDER / f"{name}.yaml"))
    _assert_same(network, build(network), to_source(network.graph))


OUTPUTS = [
    ("share_heads", ["head5", "p3"]),
    ("share_heads", ["head4.tower.0", "head5"]),
    ("share_repeats", ["again.1"]),
]


@pytest.mark.parametrize(("name", "outputs"), OUTPUTS)
def test_a_part_keeps_the_names_of_weights(name: str, outputs: Sequence[str]) -> None:
    """Also where the layer that owns them is left out."""
    from archlab.graph.subgraph import cut

    network = load(str(FOLDER / f"{name}.yaml"))
    whole = build(network)
    part = build(network, outputs=outputs, weights=whole.state_dict())
    assert set(part.state_dict()) <= set(whole.state_dict())
    _assert_same(network, part, to_source(cut(network.graph, outputs)))


def _assert_same(network: Network, model: nn.Module, source: str) -> None:
    written = ModuleType("written")
    exec(source, written.__dict__)  # noqa: S102 - our own text
    classes = [value for value in vars(written).values() if isinstance(value, type) and value.__module__ == "written"]
    other = classes[-1]().eval()
    model.eval()
    assert list(other.state_dict()) == list(model.state_dict()) or set(other.state_dict()) == set(model.state_dict())
    other.load_state_dict(model.state_dict(), strict=True)
    sample = torch.rand(2, *network.graph.input_shape)
    torch.testing.assert_close(other(sample), model(sample), rtol=0, atol=0)


def test_source_calls_one_module_twice() -> None:
    source = to_source(load(str(FOLDER / "share_heads.yaml")).graph)
    assert source.count("self.head = ") == 1
    assert [source.count(f"self.head({level})") for level in ("p3", "p4")] == [1, 1]


@pytest.mark.parametrize("name", MODELS)
def test_expanded_config_is_the_same_network(name: str) -> None:
    network = load(str(FOLDER / f"{name}.yaml"))
    text = expanded_config(network.graph)
    assert "share: " in text
    other = loads(text, name=name)
    mine, its = network.analyze().total, other.analyze().total
    assert (mine.params, mine.buffers, mine.macs, mine.flops) == (its.params, its.buffers, its.macs, its.flops)
    assert verify(other).ok


def test_initial_weights_are_drawn_once() -> None:
    text = """
input: [4, 6, 6]
layers:
  - {name: a, type: conv2d, out_channels: 4, kernel_size: 1, init: {weight: {type: constant, val: 2}, bias: zeros}}
  - {name: b, share: a}
init: {conv2d: {weight: ones}}
"""
    model = archlab.build(loads(text))
    assert list(model.state_dict()) == ["a.weight", "a.bias"]
    assert bool((model.get_parameter("a.weight") == 2).all())


def test_json_names_the_layer_that_owns_the_weights() -> None:
    layers = load(str(FOLDER / "share_heads.yaml")).analyze().to_dict()["layers"]
    shares = {layer["path"]: (layer["shares"], layer["params"]) for layer in layers}
    assert shares["head.classes"] == (None, 292)
    assert shares["head5.classes"] == ("head.classes", 0)


def test_an_owner_that_is_left_out_hands_its_weights_on() -> None:
    """The use's second output needs `c`, which nothing reads; who shares it has the weights then."""
    text = """
input: [4, 6, 6]
blocks:
  two:
    layers:
      - {name: a, type: conv2d, out_channels: 4, kernel_size: 1}
      - {name: b, type: conv2d, out_channels: 4, kernel_size: 1}
      - {name: c, from: a, share: b}
    outputs: [c, b]
layers: [{name: u, use: two}]
"""
    network = loads(text)
    assert [(node.path, node.shares) for node in network.graph.layers] == [("u.a", None), ("u.c", None)]
    assert verify(network).ok


def test_a_use_that_is_copied_shares_within_itself() -> None:
    text = """
input: [4, 6, 6]
blocks:
  unit:
    layers:
      - {name: a, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}
      - {share: a}
layers: [{name: u, use: unit, repeat: 3}, {name: v, share: u.1.a}]
"""
    nodes = loads(text).graph.layers
    assert [node.shares for node in nodes] == [None, "u.0.a", None, "u.1.a", None, "u.2.a", "u.1.a"]


def test_counting_tools_see_each_call() -> None:
    from fvcore.nn import FlopCountAnalysis

    from archlab.explain.counting import count

    for name in MODELS:
        network = load(str(FOLDER / f"{name}.yaml"))
        analysis = FlopCountAnalysis(build(network).eval(), torch.zeros(1, *network.graph.input_shape))
        analysis.unsupported_ops_warnings(enabled=False).uncalled_modules_warnings(enabled=False)
        rows = {row.tool.name: row.total for row in count(network.analyze()).tools}
        assert rows["fvcore"] == int(analysis.total())
