"""A layer in a few words: its type, its kernel, its stride, and what else differs from PyTorch's defaults."""

from __future__ import annotations

from typing import Any

import pytest

import archlab
from archlab.layers import find_layer
from archlab.layers.describe import describe

DESCRIBED: list[tuple[str, dict[str, Any], str]] = [
    ("relu", {"inplace": True}, "relu"),
    ("linear", {"out_features": 3, "bias": False}, "linear"),
    ("adaptive_avg_pool2d", {"output_size": (2, 3)}, "adaptive_avg_pool2d"),
    ("conv2d", {"out_channels": 8, "kernel_size": 3}, "conv2d 3x3"),
    ("conv2d", {"out_channels": 8, "kernel_size": (1, 7), "padding": (0, 3)}, "conv2d 1x7 padding=(0, 3)"),
    ("conv2d", {"out_channels": 8, "kernel_size": (7, 1), "padding": (3, 0)}, "conv2d 7x1 padding=(3, 0)"),
    ("conv2d", {"out_channels": 8, "kernel_size": 3, "padding": 1, "stride": 2}, "conv2d 3x3 /2 padding=1"),
    ("conv2d", {"out_channels": 8, "kernel_size": 3, "stride": (2, 1), "groups": 4}, "conv2d 3x3 /2x1 groups=4"),
    ("conv2d", {"out_channels": 8, "kernel_size": 1, "padding": "same"}, "conv2d 1x1 padding=same"),
    ("max_pool2d", {"kernel_size": 3, "stride": (1, 2)}, "max_pool2d 3x3 /1x2"),
    ("zero_pad2d", {"padding": (1, 2, 1, 2)}, "zero_pad2d padding=(1, 2, 1, 2)"),
    ("dropout", {"p": 0.25}, "dropout p=0.25"),
    ("narrow", {"start": 2, "length": 3}, "narrow start=2 length=3"),
]


@pytest.mark.parametrize(("layer_type", "options", "words"), DESCRIBED)
def test_a_layer_in_words(layer_type: str, options: dict[str, Any], words: str) -> None:
    cls = find_layer(layer_type)
    assert cls is not None
    assert describe(cls.model_validate(options)) == words


def test_a_size_that_is_one_number_is_told_too() -> None:
    network = archlab.loads("input: [16, 8, 8]\nlayers: [{type: efficient_channel_attention, kernel_size: 5}]\n")
    assert any("5" in describe(node.layer).split() for node in network.graph.layers)
