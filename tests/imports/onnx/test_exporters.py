"""Networks written by both of PyTorch's exporters, read back: params, MACs, outputs against onnxruntime's."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everyone calls it
from torch.utils.flop_counter import FlopCounterMode

from archlab.api.imported import network_of
from archlab.torch.importing.prove import draw_anew
from tests.imports.onnx.made import difference, read, types

pytestmark = pytest.mark.usefixtures("translations")


class Gate(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pool, self.fc1, self.fc2 = nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, 4, 1), nn.Conv2d(4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = torch.sigmoid(self.fc2(F.silu(self.fc1(self.pool(x)))))
        return x * gate


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        self.act, self.gate = nn.Hardswish(), Gate(channels)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = x + self.gate(self.act(self.bn(self.conv(x))))
        return found


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.SiLU())
        self.blocks = nn.Sequential(Block(8), Block(8))
        self.norm, self.up = nn.GroupNorm(2, 8), nn.Upsample(scale_factor=2, mode="bilinear")
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(8, 12), nn.GELU(), nn.LayerNorm(12), nn.Linear(12, 5))

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.stem(x))
        left, right = torch.chunk(self.up(self.norm(x)), 2, dim=1)
        found: Tensor = self.head(F.adaptive_avg_pool2d(torch.cat([right, left], 1), 1))
        return found


LAYERS = [
    *("conv2d", "silu"),
    *["conv2d", "hardswish", "adaptive_avg_pool2d", "conv2d", "silu", "conv2d", "sigmoid", "multiply", "add"] * 2,
    *("group_norm", "upsample", "narrow", "narrow", "concat", "adaptive_avg_pool2d", "flatten"),
    *("linear", "gelu", "layer_norm", "linear"),
]


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    made = Net().eval()
    draw_anew(made)
    return made


@pytest.mark.parametrize("dynamo", [False, True])
def test_a_network_comes_back(model: nn.Module, dynamo: bool, tmp_path: Path) -> None:  # noqa: FBT001
    path, sample = tmp_path / "net.onnx", torch.randn(2, 3, 16, 16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dynamo:
            sizes = ({0: torch.export.Dim("batch")},)
            torch.onnx.export(model, (sample,), str(path), dynamo=True, dynamic_shapes=sizes, verbose=False)
        else:
            axes = {"input": {0: "batch"}}
            torch.onnx.export(model, (sample,), str(path), dynamo=False, input_names=["input"], dynamic_axes=axes)
    flat = read(path)
    assert sorted(types(flat)) == sorted(LAYERS)
    paths = {item.path for item in flat.items}
    assert {"stem.0", "blocks.1.conv", "blocks.0.gate.fc1", "blocks.0.act", "head.4", "norm"} <= paths
    assert "blocks.1" in {scope.path for item in flat.items for scope in item.scopes}
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(sample)
    total = network_of(flat).analyze().total
    assert total.macs == counter.get_total_flops() // 2 // 2
    # Of each of the three batch norms 16 params went, and a bias of 8 came into its convolution.
    assert total.params == sum(one.numel() for one in model.parameters()) - 3 * 8
    assert any("convolutions" in remark and "exported" in remark for remark in flat.remarks)
    assert difference(path, flat) < 1e-5


class Fresh(nn.Module):
    """As it is initialised: all norms have one weight of ones and one bias of zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.Sequential(*[nn.Sequential(nn.LayerNorm(24), nn.Linear(24, 24)) for _ in range(3)])
        self.last = nn.Linear(24, 24)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.constant_(module.bias, 0.5)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.last(self.last(self.norms(x)))
        return found


def test_equal_vectors_that_were_written_once_are_each_layers_own(tmp_path: Path) -> None:
    """Only what has a matrix in common with another layer is that layer once more."""
    made, path = Fresh().eval(), tmp_path / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(made, (torch.randn(1, 24),), str(path), dynamo=True, verbose=False)
    flat = read(path)
    assert types(flat) == [*["layer_norm", "linear"] * 3, "linear", "linear"]
    assert [item.share is not None for item in flat.items] == [*[False] * 7, True]
    network = network_of(flat)
    assert network.analyze().total.params == sum(one.numel() for one in made.parameters())
    (remark,) = network.remarks
    assert remark.startswith(
        "3 vectors of one number are written once, as exporters do with equal tensors, and counted"
    )
    assert difference(path, flat, samples=1) < 1e-6
