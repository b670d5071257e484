"""Convolutions whose weights are made anew each time, beside PyTorch's parametrizations and the papers' formulas."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from archlab.api.load import loads
from archlab.api.model import build
from archlab.diagnostics.problem import ConfigError
from tests.mechanisms.equality import assert_equal


class Standardized(nn.Conv2d):
    """Qiao et al. 2019; with a gain Brock et al. 2021. Tensors in timm's order."""

    def __init__(self, *args: Any, eps: float, gamma: float | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.eps, self.gamma = eps, gamma
        self.gain = nn.Parameter(torch.rand(self.out_channels, 1, 1, 1)) if gamma is not None else None

    def forward(self, x: Tensor) -> Tensor:
        w = self.weight
        mean, variance = w.mean((1, 2, 3), keepdim=True), w.var((1, 2, 3), unbiased=False, keepdim=True)
        w = (w - mean) / (variance + self.eps).sqrt()
        if self.gain is not None and self.gamma is not None:
            w = w * self.gain * self.gamma * w[0].numel() ** -0.5
        return functional.conv2d(x, w, self.bias, padding=self.padding, groups=self.groups)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        (
            "standardized",
            nn.Sequential(
                Standardized(3, 8, 3, padding=1, bias=False, eps=1e-6),
                nn.GroupNorm(4, 8),
                nn.ReLU(),
                Standardized(8, 8, 3, groups=2, eps=1e-5, gamma=1.7),
            ),
        ),
        (
            "weight_norm",
            nn.Sequential(
                weight_norm(nn.Conv2d(3, 8, 3, padding=1)), nn.ReLU(), spectral_norm(nn.Conv2d(8, 4, 3, bias=False))
            ),
        ),
        (
            "weight_norm_1d",
            nn.Sequential(
                weight_norm(nn.Conv1d(3, 8, 3, padding=2, dilation=2)), nn.ReLU(), spectral_norm(nn.Conv1d(8, 4, 3))
            ),
        ),
    ],
)
def test_equal_to_a_model_by_hand(name: str, model: nn.Module) -> None:
    assert_equal(name, model)


@pytest.mark.parametrize("word", ["weight_norm", "spectral_norm"])
def test_tensors_have_the_names_of_pytorch(word: str) -> None:
    made: Any = {"weight_norm": weight_norm, "spectral_norm": spectral_norm}[word]
    theirs = made(nn.Conv2d(3, 8, 3)).state_dict()
    network = loads(f"input: [3, 8, 8]\nlayers: [{{type: conv2d, out_channels: 8, kernel_size: 3, weight: {word}}}]")
    ours = build(network).state_dict()
    assert [(f"conv.{name}", tensor.shape) for name, tensor in theirs.items()] == [
        (name, tensor.shape) for name, tensor in ours.items()
    ]


def test_null_is_a_plain_weight() -> None:
    network = loads("input: [3, 8, 8]\nlayers: [{type: conv2d, out_channels: 8, kernel_size: 3, weight: null}]")
    assert network.graph.layers[0].layer.type == "conv2d"


def test_a_filter_of_one_value_is_refused() -> None:
    text = (
        "input: [3, 8, 8]\nlayers: [{type: conv2d, out_channels: 3, kernel_size: 1, groups: 3, weight: standardized}]"
    )
    with pytest.raises(ConfigError, match="single value"):
        loads(text)
