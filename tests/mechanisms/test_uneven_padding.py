"""Paddings that differ in front and behind: timm's `Conv2dSame` and `MaxPool2dSame`, their numbers, and causal ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archlab.api.load import loads
from archlab.api.model import build
from archlab.layers.uneven_padding import same_sides
from tests.config.expand.test_copies import both_ways
from tests.mechanisms.equality import assert_equal


class Same(nn.Conv2d):
    """A convolution behind as many zeros as its input needs, as timm's."""

    def forward(self, x: Tensor) -> Any:
        sides: list[int] = []
        axes = zip(x.shape[2:], self.kernel_size, self.stride, self.dilation, strict=True)
        for size, kernel, stride, dilation in axes:
            total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
            sides = [total // 2, total - total // 2, *sides]
        return super().forward(nn.functional.pad(x, sides))


class Net(nn.Module):
    """The network by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(
            *(Same(3, 4, 3, 2), nn.ReLU(), Same(4, 5, (4, 5), (2, 3)), nn.ReLU(), Same(5, 5, 3, dilation=2), nn.ReLU()),
            *(Same(5, 5, 3, 2, groups=5, bias=False), nn.BatchNorm2d(5), nn.Conv2d(5, 6, 1, bias=False)),
            nn.BatchNorm2d(6),
        )
        self.body, self.shortcut = Same(6, 8, 2, 2), nn.Conv2d(6, 8, 1, 2)

    def forward(self, x: Tensor) -> Any:
        x = self.first(x)
        return self.body(x) + self.shortcut(x)


def test_equal_to_a_model_by_hand() -> None:
    assert_equal("padding_same_tf", Net())


class Causal(nn.Conv1d):
    """A convolution behind zeros that stand in front."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(nn.functional.pad(x, (self.dilation[0] * (self.kernel_size[0] - 1), 0)))


def test_causal_padding_is_equal_to_a_model_by_hand() -> None:
    """A stack of Bai et al. 2018, "TCN": the last position sees all before it, none sees what comes after it."""
    layers: list[nn.Module] = [Causal(2, 4, 3, 2), nn.ReLU()]
    for dilation in (1, 2, 4):
        layers += [Causal(4, 4, 2, dilation=dilation), nn.ReLU()]
    layers += [Causal(4, 4, 4, groups=4), nn.Conv1d(4, 6, 1), Causal(6, 3, 1)]
    network = assert_equal("padding_causal", nn.Sequential(*layers))
    field = network.analyze().total.receptive_field.axes[0]
    assert field is not None
    assert field.sizes == [2 * (7 + 3) + 3]
    assert field.stride == 2
    assert field.start == -(2 * (7 + 3) + 2)  # it ends at 0


def sides_of(shape: Sequence[int], kernel: Sequence[int], stride: Sequence[int]) -> list[int]:
    """TensorFlow's zeros as `torch.nn.functional.pad` takes them, the last axis first."""
    sides: list[int] = []
    for size, window, step in zip(shape, kernel, stride, strict=True):
        total = max((-(-size // step) - 1) * step + window - size, 0)
        sides = [total // 2, total - total // 2, *sides]
    return sides


class MaxSame(nn.Module):
    """timm's `MaxPool2dSame`, along any number of axes: a maximum behind a padding of minus infinity."""

    def __init__(self, kernel: Sequence[int], stride: Sequence[int]) -> None:
        super().__init__()
        self.kernel, self.stride = tuple(kernel), tuple(stride)

    def forward(self, x: Tensor) -> Any:
        padded = nn.functional.pad(x, sides_of(x.shape[2:], self.kernel, self.stride), value=-math.inf)
        return MAX[len(self.kernel)](padded, self.kernel, self.stride)


class AvgSame(MaxSame):
    """TensorFlow's mean: the sums over a padding of zeros, divided by those of ones."""

    def sums(self, x: Tensor) -> Any:
        padded = nn.functional.pad(x, sides_of(x.shape[2:], self.kernel, self.stride))
        return AVG[len(self.kernel)](padded, self.kernel, self.stride)

    def forward(self, x: Tensor) -> Any:
        mean: Tensor = self.sums(x) / self.sums(torch.ones_like(x))
        return mean


MAX: dict[int, Any] = {1: nn.functional.max_pool1d, 2: nn.functional.max_pool2d, 3: nn.functional.max_pool3d}
AVG: dict[int, Any] = {1: nn.functional.avg_pool1d, 2: nn.functional.avg_pool2d, 3: nn.functional.avg_pool3d}


class Pools(nn.Module):
    """The network of poolings by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(Same(3, 4, 3, 2), nn.ReLU(), MaxSame((3, 3), (2, 2)))
        self.paths = [MaxSame((2, 2), (1, 1)), AvgSame((2, 3), (1, 1)), AvgSame((4, 3), (1, 1))]
        self.end = nn.Sequential(AvgSame((3, 4), (1, 2)), MaxSame((2, 2), (2, 2)), nn.Conv2d(12, 2, 1))

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x)
        return self.end(torch.cat([path(x) for path in self.paths], 1))


def test_poolings_are_equal_to_a_model_by_hand() -> None:
    assert_equal("pooling_same_tf", Pools())


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ["max", "avg"])
def test_poolings_of_many_sizes(kind: str, rank: int) -> None:
    """Each is what padding by hand gives, in shape and numbers."""
    for sizes, kernel, stride in product(
        ((9, 8, 5), (10, 7, 6), (4, 5, 4)), ((2, 3, 4), (4, 1, 2)), ((1, 2, 3), (2, 1, 1))
    ):
        size, window, step = list(sizes[:rank]), list(kernel[:rank]), list(stride[:rank])
        pool = f"{{type: {kind}_pool{rank}d, kernel_size: {window}, stride: {step}, padding: same_tf}}".replace(
            "[" if rank == 1 else "\0", ""
        ).replace("]" if rank == 1 else "\0", "")
        network = loads(f"input: {[2, *size]}\nlayers: [{pool}]")
        x = torch.randn(2, 2, *size)
        expected = (MaxSame if kind == "max" else AvgSame)(window, step)(x)
        assert network.graph.layers[-1].shape == tuple(expected.shape[1:])
        torch.testing.assert_close(build(network)(x), expected)


def test_maxima_are_timms() -> None:
    layers = pytest.importorskip("timm.layers")
    x = torch.randn(2, 3, 14, 13)
    for kernel, stride in product((2, 3, 4), (1, 2, 3)):
        pool = f"{{type: max_pool2d, kernel_size: {kernel}, stride: {stride}, padding: same_tf}}"
        ours = build(loads(f"input: [3, 14, 13]\nlayers: [{pool}]"))
        torch.testing.assert_close(ours(x), layers.create_pool2d("max", kernel, stride, padding="same")(x))


def test_sides_are_timms() -> None:
    padding = pytest.importorskip("timm.layers.padding")
    for size, kernel, stride, dilation in product(range(1, 20), (1, 2, 3, 5), (1, 2, 3), (1, 2)):
        total = padding.get_same_padding(size, kernel, stride, dilation)
        assert same_sides(size, kernel, stride, dilation) == (total // 2, total - total // 2)


@pytest.mark.parametrize(("rank", "size"), [(1, 31), (1, 32), (3, 9), (3, 8)])
def test_one_and_three_axes(rank: int, size: int) -> None:
    shape = [2, *[size] * rank]
    init = "init: {weight: ones, bias: zeros}"
    conv = f"{{type: conv{rank}d, out_channels: 4, kernel_size: 3, stride: 2, padding: same_tf, {init}}}"
    graph = loads(f"input: {shape}\nlayers: [{conv}]").graph
    assert graph.layers[-1].shape == (4, *[-(-size // 2)] * rank)
    assert len(graph.layers) == (1 if size % 2 else 2)
    assert set(graph.layers[-1].init or {}) == {"weight", "bias"}


def test_copies_know_the_size() -> None:
    """A block that names no shape has another layer for a map of another size."""
    nodes = both_ways("""
        input: [4, 60, 60]
        blocks:
          half: {layers: [{type: conv2d, out_channels: 4, kernel_size: 3, stride: 2, padding: same_tf}]}
          given:
            params: {p: same_tf}
            layers: [{type: conv2d, out_channels: 4, kernel_size: 3, stride: 2, padding: $p}]
        layers: [{name: a, use: half, repeat: 6}, {name: b, use: given, from: input, repeat: 6}, {type: add, with: [a]}]
    """)
    assert [node[5][1] for node in nodes if node[2] == "conv2d"] == [30, 15, 8, 4, 2, 1] * 2
    assert sum(node[2] == "zero_pad2d" for node in nodes) == 2 * 5
