"""Models of timm, one of each kind of module that is read by itself: the same figures, and the same results."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from tests.torch.importing.held import difference, held, numbers, randomise

WHOLLY = (
    "tf_mobilenetv3_small_minimal_100",  # padding: same_tf
    "tf_efficientnet_lite0",  # relu6
    "resnetv2_50x1_bit",  # weight: standardized
    "nf_resnet26",  # weight: standardized
    "eca_nfnet_l0",  # weight: scaled_standardized
    "ecaresnet26t",  # efficient_channel_attention
    "resnetblur18",  # blur_pool2d
    "test_convnext2",  # layer_norm2d
    "convnextv2_atto",  # global_response_norm
    "resnetv2_50d_frn",  # filter_response_norm2d
    "resnetv2_50d_evos",  # evo_norm2d_s0
    "skresnet18",  # softmax
    "resnest14d",  # softmax
    "res2net50_14w_8s",  # narrow
    "dpn48b",  # concat
    "ghostnet_050",  # narrow
    "hgnetv2_b0",  # layer_scale
    "poolformer_s12",  # layer_scale
    "dla34",  # concat
    "cs3darknet_focus_s",  # concat
    "pvt_v2_b0",  # scaled_dot_product_attention
)
SIZE = 64


@pytest.fixture(scope="module")
def timm() -> Any:
    return pytest.importorskip("timm")


@pytest.mark.parametrize("name", WHOLLY)
def test_a_model_is_the_network(timm: Any, name: str) -> None:
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False)
    randomise(model)
    one = held(model, (3, SIZE, SIZE))
    assert not one.opaque, one.flat.remarks
    for what, (ours, theirs) in numbers(one).items():
        assert ours == theirs, what
    assert difference(one) <= 1e-5


PARTS = {
    "GlobalContext": (16,),  # matmul
    "NonLocalAttn": (16,),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_the_network(timm: Any, name: str) -> None:
    torch.manual_seed(0)
    part = getattr(timm.layers, name)
    model = nn.Sequential(nn.Conv2d(3, 16, 3), part(*PARTS[name])).eval()
    randomise(model)
    one = held(model, (3, 10, 12))
    assert not one.opaque, one.flat.remarks
    for what, (ours, theirs) in numbers(one).items():
        assert ours == theirs, what
    assert difference(one) <= 1e-5


@pytest.mark.parametrize(("kind", "relative"), [("bias", "query"), ("bias_tf", "key")])
def test_biases_of_relative_positions(timm: Any, kind: str, relative: str) -> None:
    """Attention of a map by 1x1 convolutions; the second looks its table up by products."""
    maxxvit = timm.models.maxxvit
    config = maxxvit.MaxxVitTransformerCfg(dim_head=8, rel_pos_type=kind)
    attention = maxxvit.Attention2d(16, 16, dim_head=8, rel_pos_cls=maxxvit.get_rel_pos_cls(config, (4, 4)))
    model = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), attention).eval()
    randomise(model)
    one = held(model, (3, 4, 4))
    assert not one.opaque, one.flat.remarks
    (bias,) = [item for item in one.flat.items if item.type == "relative_position_bias"]
    assert bias.options.get("relative", "query") == relative
    assert difference(one) <= 1e-5
    (ours, theirs) = numbers(one)["macs"]
    assert ours == theirs if kind == "bias" else ours < theirs
    assert ("no sample's work" in " ".join(one.flat.remarks)) == (kind == "bias_tf")


def test_biases_by_distance(timm: Any) -> None:
    """LeViT's, and its subsampled queries."""
    levit = timm.models.levit
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        levit.Attention(16, 8, num_heads=2, resolution=(4, 4), use_conv=True),
        levit.AttentionDownsample(16, 24, 8, num_heads=2, resolution=(4, 4), use_conv=True),
    ).eval()
    randomise(model)
    one = held(model, (3, 4, 4))
    assert not one.opaque, one.flat.remarks
    assert [i.options.get("stride", 1) for i in one.flat.items if i.type == "relative_position_bias"] == [1, 2]
    for what, (ours, theirs) in numbers(one).items():
        assert ours == theirs, what
    assert difference(one) <= 1e-5


def test_stochastic_depth_is_kept(timm: Any) -> None:
    with torch.device("meta"):
        model = timm.create_model("resnet18", pretrained=False, drop_path_rate=0.2)
    types = [item.type for item in held(model, (3, SIZE, SIZE)).flat.items]
    assert types.count("stochastic_depth") == 7


def test_positions_through_a_learned_convolution(timm: Any) -> None:
    """XCiT's: fixed sines, a convolution, tokens; and temperatures of its heads."""
    torch.manual_seed(0)
    xcit = timm.models.xcit
    model = xcit.Xcit(img_size=32, patch_size=16, embed_dim=32, depth=1, num_heads=4, num_classes=5).eval()
    randomise(model)
    one = held(model, (3, 32, 32))
    assert not one.opaque, one.flat.remarks
    (sines,) = [item for item in one.flat.items if item.type == "sine_positions"]
    assert dict(sines.options) == {"num_pos_feats": 32, "normalize": True}
    assert not any("no sample's work" in text for text in one.flat.remarks)
    for what, (ours, theirs) in numbers(one).items():
        assert ours == theirs, what
    assert difference(one) <= 1e-5


@pytest.mark.parametrize("mode", ["cr", "swin"])
def test_biases_that_a_network_makes_of_relative_positions(timm: Any, mode: str) -> None:
    torch.manual_seed(0)
    attention = timm.models.maxxvit.Attention2d(
        16, 16, dim_head=8, rel_pos_cls=partial(timm.layers.RelPosMlp, window_size=(4, 4), hidden_dim=8, mode=mode)
    )
    model = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), attention).eval()
    randomise(model)
    one = held(model, (3, 4, 4))
    assert not one.opaque, one.flat.remarks
    for what, (ours, theirs) in numbers(one).items():
        assert ours == theirs, what
    assert difference(one) <= 1e-5
