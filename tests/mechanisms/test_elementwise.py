"""Joins, constants, norms and fixed weights, each in a short config."""

from __future__ import annotations

import pytest
from torch import nn

from archlab.api.load import load
from tests.mechanisms import elementwise_models as models
from tests.mechanisms.elementwise_models import conv
from tests.mechanisms.equality import FOLDER, assert_equal


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("joins", models.Joins()),
        ("constants", models.Constants()),
        ("exponentials", models.Exponentials()),
        ("layer_scales", models.Scales()),
        ("bifpn", models.Fusion()),
        ("l2norm", models.L2Norm()),
        ("rms_norm", models.Rms()),
        ("convnextv2", models.ConvNeXtV2()),
        (
            "filter_response_norm",
            nn.Sequential(
                conv(3, 8, bias=False),
                models.FilterNorm(tlu=True),
                conv(8, 8, padding=0, bias=False),
                models.FilterNorm(tlu=False),
            ),
        ),
        (
            "evo_norm",
            nn.Sequential(
                conv(3, 8, bias=False),
                models.EvoS0(4),
                conv(8, 8, bias=False),
                models.EvoB0(),
                conv(8, 8, padding=0, bias=False),
                models.EvoB0(act=False),
            ),
        ),
        (
            "blur_pool",
            nn.Sequential(
                conv(3, 8),
                nn.ReLU(),
                models.Blur([1, 2, 1], 2, "reflect"),
                conv(8, 8),
                models.Blur([1, 4, 6, 4, 1], 1, "constant"),
            ),
        ),
        ("eca", nn.Sequential(conv(3, 64), nn.ReLU(), models.ChannelAttention(3), models.ChannelAttention(5))),
    ],
)
def test_equal_to_a_model_by_hand(name: str, model: nn.Module) -> None:
    for parameter in model.parameters():
        nn.init.uniform_(parameter, -0.5, 0.5)
    assert_equal(name, model)


@pytest.mark.parametrize(("channels", "kernel_size"), [(16, 3), (64, 3), (128, 5), (256, 5), (512, 5), (2048, 7)])
def test_the_kernel_of_channel_attention(channels: int, kernel_size: int) -> None:
    """As timm has it for these numbers of channels; the paper names 5 for 256 and 7 for 2048."""
    network = load(str(FOLDER / "eca.yaml"))
    assert network.graph.layers
    from archlab.layers.channel_attention import ChannelConv, EfficientChannelAttention

    step = EfficientChannelAttention().steps((channels, 4, 4), {})[1]
    assert isinstance(step.layer, ChannelConv)
    assert step.layer.kernel_size == kernel_size
