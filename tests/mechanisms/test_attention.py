"""Attention over tokens, in short configs; timm's own where it is installed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from archlab.api.model import build
from archlab.api.network import loads
from tests.mechanisms.equality import assert_equal


class Attention(nn.Module):
    """timm's: the fused operator, or its formula in single steps."""

    def __init__(self, width: int, heads: int, *, bias: bool, fused: bool) -> None:
        super().__init__()
        self.heads, self.fused = heads, fused
        self.qkv, self.proj = nn.Linear(width, 3 * width, bias=bias), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        made: Tensor = self.proj(attended(q, k, v, fused=self.fused))
        return made


def attended(q: Tensor, k: Tensor, v: Tensor, *, fused: bool) -> Tensor:
    if fused:
        return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    scores = q @ k.mT / q.shape[-1] ** 0.5
    made: Tensor = scores.softmax(-1) @ v
    return made.transpose(1, 2).flatten(2)


class ViT(nn.Module):
    """A block of Dosovitskiy et al. 2021 over patches."""

    def __init__(self, *, bias: bool, fused: bool) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, 24, 8, 8)
        self.tokens = nn.ParameterDict({"a": torch.randn(1, 1, 24), "b": torch.randn(1, 21, 24)})
        self.norm1, self.attn = nn.LayerNorm(24), Attention(24, 3, bias=bias, fused=fused)
        self.mlp = nn.Sequential(nn.LayerNorm(24), nn.Linear(24, 96), nn.GELU(), nn.Linear(96, 24))
        self.norm, self.head = nn.LayerNorm(24), nn.Linear(24, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x).flatten(2).mT
        x = torch.cat([self.tokens["a"].expand(len(x), -1, -1), x], 1) + self.tokens["b"]
        x = x + self.attn(self.norm1(x))
        x = x + self.mlp(x)
        made: Tensor = self.head(self.norm(x)[:, 0])
        return made


@pytest.mark.parametrize(("name", "bias", "fused"), [("vit", True, True), ("vit_written_out", False, False)])
def test_a_vision_transformer(name: str, *, bias: bool, fused: bool) -> None:
    assert_equal(name, ViT(bias=bias, fused=fused))


class Reduced(nn.Module):
    """Wang et al. 2021: keys and values of a smaller map."""

    def __init__(self, heads: int, width: int, *, bias: bool, proj_bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.sr = nn.Linear(24, heads * width, bias=bias), nn.Conv2d(24, 24, 2, 2)
        self.norm, self.kv = nn.LayerNorm(24), nn.Linear(24, 2 * heads * width, bias=bias)
        self.proj = nn.Linear(heads * width, 24, bias=proj_bias)

    def forward(self, x: Tensor) -> Tensor:
        smaller = self.norm(self.sr(x.permute(0, 3, 1, 2)).flatten(2).mT)
        parts = (self.q(x).flatten(1, 2), *self.kv(smaller).chunk(2, -1))
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        made: Tensor = self.proj(attended(q, k, v, fused=False))
        return made.view(x.shape)


class Pvt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch_embed, self.norm = nn.Conv2d(3, 24, 4, 4), nn.LayerNorm(24)
        self.a = Reduced(3, 8, bias=True, proj_bias=True)
        self.b = Reduced(2, 5, bias=False, proj_bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.patch_embed(x).permute(0, 2, 3, 1))
        made: Tensor = self.b(self.a(x))
        return made.permute(0, 3, 1, 2)


def test_spatial_reduction() -> None:
    assert_equal("pvt", Pvt())


class Cross(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, 12, 4, 4)
        self.q, self.kv = nn.Linear(12, 12, bias=False), nn.Linear(12, 24, bias=False)
        self.proj, self.head = nn.Linear(12, 12), nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x)
        parts = (self.q(functional.max_pool2d(x, 2).flatten(2).mT), *self.kv(x.flatten(2).mT).chunk(2, -1))
        q, k, v = (part.unflatten(-1, (4, -1)).transpose(1, 2) for part in parts)
        made: Tensor = self.head(self.proj(attended(q, k, v, fused=True)))
        return made


def test_cross_attention() -> None:
    assert_equal("cross_attention", Cross())


@pytest.mark.parametrize("fused", [True, False])
def test_both_ways_give_the_same(*, fused: bool) -> None:
    text = f"""
input: [4, 6]
layers:
  - {{type: channels_last}}
  - {{name: a, type: self_attention, num_heads: 2, fused: {str(fused).lower()}}}
"""
    model, x = build(loads(text)).eval(), torch.rand(2, 4, 6)
    q, k, v = (part.unflatten(-1, (2, 2)).transpose(1, 2) for part in model.get_submodule("a.qkv")(x.mT).chunk(3, -1))
    expected = model.get_submodule("a.proj")(attended(q, k, v, fused=not fused))
    torch.testing.assert_close(model(x), expected)


@pytest.mark.parametrize("head_first", [False, True])
def test_the_order_of_queries_keys_and_values(*, head_first: bool) -> None:
    """(q, k, v) of all heads, or of each head, beside one another."""
    text = f"""
input: [4, 6]
layers:
  - {{type: channels_last}}
  - {{name: a, type: self_attention, num_heads: 2, head_first: {str(head_first).lower()}}}
"""
    model = build(loads(text)).eval()
    x = torch.rand(2, 4, 6)
    qkv = model.get_submodule("a.qkv")(x.mT)
    split = qkv.unflatten(-1, (2, 3, 2)) if head_first else qkv.unflatten(-1, (3, 2, 2)).transpose(2, 3)
    q, k, v = split.permute(3, 0, 2, 1, 4)
    expected = model.get_submodule("a.proj")(attended(q, k, v, fused=False))
    torch.testing.assert_close(model(x), expected)


def test_dropped_weights_of_a_training_run_average_to_those_of_eval_mode() -> None:
    text = """
input: [4, 6]
layers:
  - {type: channels_last}
  - {name: a, type: self_attention, num_heads: 2, attn_drop: 0.3, fused: false}
"""
    model, x = build(loads(text)), torch.rand(4000, 4, 6)[:1].expand(4000, -1, -1)
    torch.manual_seed(0)
    with torch.no_grad():
        dropped, plain = model.train()(x), model.eval()(x)
    assert dropped.std(0).min() > 0
    torch.testing.assert_close(dropped.mean(0), plain[0], atol=0.02, rtol=0)
