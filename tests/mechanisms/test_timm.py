"""The same layers as timm has them, where it is installed: tensors in order, and what comes out."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from archlab.api.load import loads
from archlab.api.model import build

layers = pytest.importorskip("timm.layers")

CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("conv2d, out_channels: 16, kernel_size: 3, padding: 1, bias: false, weight: standardized", "StdConv2d", {}),
    (
        "conv2d, out_channels: 16, kernel_size: 3, padding: 1, weight: {type: scaled_standardized, gamma: 1.7}",
        "ScaledStdConv2d",
        {"gamma": 1.7},
    ),
    ("blur_pool2d", "BlurPool2d", {}),
    ("blur_pool2d, filt_size: 5, pad_mode: constant", "BlurPool2d", {"filt_size": 5, "pad_mode": "constant"}),
    ("evo_norm2d_s0, groups: 4", "EvoNorm2dS0", {"groups": 4}),
    ("evo_norm2d_b0", "EvoNorm2dB0", {}),
    ("evo_norm2d_b0, apply_act: false", "EvoNorm2dB0", {"apply_act": False}),
    ("filter_response_norm2d", "FilterResponseNormTlu2d", {}),
    ("filter_response_norm2d, apply_tlu: false", "FilterResponseNormTlu2d", {"apply_act": False}),
    ("global_response_norm", "GlobalResponseNorm", {"channels_last": False}),
    ("rms_norm2d", "RmsNorm2d", {}),
    ("efficient_channel_attention", "EcaModule", {}),
    ("efficient_channel_attention, kernel_size: 5", "EcaModule", {"channels": None, "kernel_size": 5}),
]


@pytest.mark.parametrize(("text", "name", "options"), CASES, ids=[text for text, *_ in CASES])
def test_equal_to_timm(text: str, name: str, options: dict[str, Any]) -> None:
    network = loads(f"input: [16, 11, 9]\nlayers: [{{name: one, type: {text}}}]")
    ours = build(network).eval()
    cls = getattr(layers.grn if name == "GlobalResponseNorm" else layers, name)
    arguments = [16, 16, 3] if "Conv" in name else [] if "channels" in options else [16]
    theirs = cls(*arguments, **options).eval()
    for parameter in (*theirs.parameters(), *dict(theirs.state_dict(keep_vars=True)).values()):
        torch.nn.init.uniform_(parameter, 0.2, 1)
    state = theirs.state_dict()
    assert [tensor.shape for tensor in ours.state_dict().values()] == [tensor.shape for tensor in state.values()]
    assert [key.rpartition(".")[-1] for key in ours.state_dict()] == [key.rpartition(".")[-1] for key in state]
    ours.load_state_dict(dict(zip(ours.state_dict(), state.values(), strict=True)))
    assert sum(b.numel() for b in ours.buffers()) == sum(b.numel() for b in theirs.buffers())
    x = torch.rand(2, 16, 11, 9)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))
