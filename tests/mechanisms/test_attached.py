"""Norms and activations written on norms, sums, joins and linear layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from archlab.api.load import loads
from tests.mechanisms.equality import assert_equal


class Attached(nn.Module):
    """The same by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(8)
        self.body = nn.Sequential(
            *(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
            *(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)),
        )
        self.conv, self.norm, self.fc = nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8), nn.Linear(16, 6)

    def forward(self, x: Tensor) -> Any:
        first = self.bn(x).relu()
        y = (first + self.body(first)).relu()
        y = self.norm(self.conv(y) + first).sigmoid()
        y = nn.functional.leaky_relu(torch.cat([y, first], 1), 0.2)
        return self.fc(y.mean((2, 3))).relu()


def test_equal_to_a_model_by_hand() -> None:
    assert_equal("activation_written_on", Attached())


def test_a_residual_without_a_sum_leaves_the_bodys_end_alone() -> None:
    """A sigmoid needs its output for its gradient; and what a name calls is not overwritten."""
    conv = "{type: conv2d, out_channels: 4, kernel_size: 1, stride: 2}"
    graph = loads(f"""
        input: [8, 12, 12]
        layers:
          - {{type: residual, shortcut: if_same, activation: relu, body: [{conv}, {{name: end, type: sigmoid}}]}}
          - {{type: concat, with: [end]}}
    """).graph
    assert [node.layer.torch_arguments() for node in graph.layers if node.layer.type == "relu"] == [{"inplace": False}]


def test_a_join_of_nothing_keeps_what_is_written_on_it() -> None:
    graph = loads("""
        input: [8, 12, 12]
        layers:
          - {type: conv2d, out_channels: 4, kernel_size: 1}
          - {name: y, type: tanh, repeat: 0}
          - {name: sum, type: add, with: [y.*], norm: batch_norm2d, activation: relu}
          - {name: linear, type: channels_last}
          - {type: linear, out_features: 3, norm: layer_norm}
    """).graph
    assert [node.layer.type for node in graph.layers] == [
        *("conv2d", "batch_norm2d", "relu", "channels_last", "linear", "layer_norm")
    ]
    assert graph.layers[-2].layer.torch_arguments()["bias"] is False
