"""Attention and its kin, told by where elements come from: equal to the models in params, MACs and outputs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import SwinTransformer, VisionTransformer

from archlab.api.load import loads
from archlab.api.model import build
from archlab.imports.recover import recovered_config
from archlab.imports.weights import weight_names
from archlab.torch.importing.prove import prove
from tests.torch.importing.held import held


class Attention(nn.Module):
    """timm's, in few words."""

    def __init__(self, width: int, heads: int, *, fused: bool = True, head_first: bool = False) -> None:
        super().__init__()
        self.heads, self.fused, self.head_first = heads, fused, head_first
        self.qkv, self.proj = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width)
        self.factor = (width // heads) ** -0.5

    def forward(self, x: Tensor) -> Tensor:
        n, tokens, width = x.shape
        if self.head_first:
            q, k, v = self.qkv(x).reshape(n, tokens, self.heads, 3, -1).permute(3, 0, 2, 1, 4).unbind(0)
        else:
            q, k, v = self.qkv(x).reshape(n, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        if self.fused:
            y = nn.functional.scaled_dot_product_attention(q, k, v)
        else:
            y = ((q * self.factor) @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        y = y.transpose(1, 2).reshape(n, tokens, width)
        result: Tensor = self.proj(y)
        return result


class Windowed(nn.Module):
    """Attention of windows, grids, or of what is neither."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.stem = kind, nn.Conv2d(3, 8, 1)
        self.norm, self.attn = nn.LayerNorm(8), Attention(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).permute(0, 2, 3, 1)
        n, h, w, c = x.shape
        y = self.norm(x)
        if self.kind == "window":
            y = y.view(n, h // 2, 2, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 8, c)
            y = self.attn(y).view(n, h // 2, w // 4, 2, 4, c).permute(0, 1, 3, 2, 4, 5)
        elif self.kind == "grid":
            y = y.view(n, h // 2, 2, w // 2, 2, c).permute(0, 2, 4, 1, 3, 5).reshape(-1, h * w // 4, c)
            y = self.attn(y).view(n, 2, 2, h // 2, w // 2, c).permute(0, 3, 1, 4, 2, 5)
        else:  # rows
            y = self.attn(y.reshape(n * h, w, c))
        result: Tensor = (x + y.reshape(n, h, w, c)).permute(0, 3, 1, 2)
        return result


def _proved(model: nn.Module, shape: tuple[int, ...]) -> list[str]:
    """The layer types of a model, which is equal in params, MACs and outputs."""
    one = held(model.eval(), shape)
    assert one.opaque == [], one.flat.remarks
    proof = prove(model, one.flat, one.network.graph)
    assert proof.ok, proof.render()
    assert proof.difference is not None
    assert proof.difference < 1e-5 * proof.largest
    return [item.type for item in one.flat.items]


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("head_first", [True, False])
def test_attention_of_tokens(fused: bool, head_first: bool) -> None:  # noqa: FBT001
    attention = Attention(12, 3, fused=fused, head_first=head_first)
    model = nn.Sequential(nn.Conv2d(3, 12, 4, 4), nn.Flatten(2), Turned(), attention)
    one = held(model.eval(), (3, 16, 24))
    (item,) = [item for item in one.flat.items if item.type == "self_attention"]
    assert item.path == "3"
    assert dict(item.options) == {"num_heads": 3} | ({} if fused else {"fused": False}) | (
        {"head_first": True} if head_first else {}
    )
    assert _proved(model, (3, 16, 24))[-1] == "self_attention"


class Turned(nn.Module):
    """Tokens of what was flattened."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("window", {"num_heads": 2, "window_size": (2, 4)}),
        ("grid", {"num_heads": 2, "dilation": 2}),
        ("rows", {"num_heads": 2, "window_size": (1, 8)}),
    ],
)
def test_windows(kind: str, options: dict[str, object]) -> None:
    model = Windowed(kind)
    assert "self_attention" in _proved(model, (3, 4, 8))
    (item,) = [item for item in held(model, (3, 4, 8)).flat.items if item.type == "self_attention"]
    assert dict(item.options) == options
    assert item.path == "attn"


def test_swin_with_shifted_windows_and_relative_positions() -> None:
    model = SwinTransformer([2, 2], 12, [2, 2], [2, 4], [4, 4], num_classes=5)
    types = _proved(model, (3, 16, 16))
    assert types.count("self_attention") == 4
    assert "pixel_unshuffle" in types
    shifted = [item.options.get("shift_size") for item in held(model, (3, 16, 16)).flat.items]
    assert shifted.count(2) == 1  # the second stage is one window


def test_multihead_attention_class_token_and_positions() -> None:
    model = VisionTransformer(16, 8, 2, 3, 12, 24, num_classes=5)
    types = _proved(model, (3, 16, 16))
    assert types.count("self_attention") == 2
    assert types.count("class_token") == types.count("position_embedding") == 1


class Scaled(Attention):
    """With another scale than archlab's."""

    def __init__(self) -> None:
        super().__init__(12, 3, fused=False)
        self.factor = 0.1


class Causal(nn.Module):
    """With a mask."""

    def __init__(self) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(12, 3, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.ones(x.shape[1], x.shape[1], device=x.device).triu(1).bool()
        result: Tensor = self.attn(x, x, x, attn_mask=mask, need_weights=False)[0]
        return result


class Elsewhere(nn.Module):
    """Of other tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(12, 3, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.attn(x, x.flip(1), x.flip(1), need_weights=False)[0]
        return result


def test_attention_of_another_scale_is_written_out() -> None:
    model = nn.Sequential(nn.Conv2d(3, 12, 4, 4), nn.Flatten(2), Turned(), Scaled()).eval()
    types = _proved(model, (3, 16, 24))
    assert types.count("matmul") == 2
    assert "self_attention" not in types


@pytest.mark.parametrize("last", [Causal, Elsewhere])
def test_other_attention_is_opaque_and_counted(last: type[nn.Module]) -> None:
    model = nn.Sequential(nn.Conv2d(3, 12, 4, 4), nn.Flatten(2), Turned(), last()).eval()
    one = held(model, (3, 16, 24))
    assert one.opaque
    assert "self_attention" not in [item.type for item in one.flat.items]
    proof = prove(model, one.flat, one.network.graph)
    assert proof.ok, proof.render()


class Stacked(nn.Module):
    """A sum or mean as some write it."""

    def __init__(self, word: str = "sum") -> None:
        super().__init__()
        self.word = word
        self.one, self.other = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = getattr(torch.stack([self.one(x), self.other(x), self.one(x)]), self.word)(dim=0)
        return made


def test_sums_of_stacks() -> None:
    assert _proved(Stacked(), (3, 6, 6)) == ["conv2d", "conv2d", "conv2d", "add"]
    assert _proved(Stacked("mean"), (3, 6, 6)) == ["conv2d", "conv2d", "conv2d", "add", "scale"]


class Channels(nn.Module):
    """Attention of a diffusion model's: heads among the samples, channels in front, einsum; then a sum."""

    def __init__(self, *, skip_first: bool) -> None:
        super().__init__()
        self.skip_first, self.stem = skip_first, nn.Conv2d(3, 8, 1)
        self.norm, self.qkv, self.proj = nn.GroupNorm(2, 8), nn.Conv1d(8, 24, 1), nn.Conv1d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, c, *size = x.shape
        q, k, v = self.qkv(self.norm(x).reshape(n, c, -1)).reshape(2 * n, 12, -1).chunk(3, dim=1)
        weights = torch.einsum("bct,bcs->bts", q * 0.5, k * 0.5).softmax(-1)
        y = self.proj(torch.einsum("bts,bcs->bct", weights, v).reshape(n, c, -1)).reshape(n, c, *size)
        made: Tensor = x + y if self.skip_first else y + x
        return made


@pytest.mark.parametrize("skip_first", [True, False])
def test_a_sum_with_what_is_folded_has_each_where_it_is(*, skip_first: bool) -> None:
    """The map in front was once taken for the other one, and all of the attention was lost."""
    model = Channels(skip_first=skip_first)
    one = held(model, (3, 4, 6))
    assert not one.opaque
    proof = prove(model, one.flat, one.network.graph)
    assert proof.ok, proof.render()
    assert proof.params == sum(tensor.numel() for tensor in model.parameters())


def test_weights_find_their_places_in_a_recovered_config() -> None:
    """Those of what an item expands to too."""
    model = VisionTransformer(16, 8, 2, 3, 12, 24, num_classes=5).eval()
    one = held(model, (3, 16, 16))
    written = recovered_config(one.flat)
    assert "self_attention" in written.text
    network = loads(written.text)
    proof = prove(model, one.flat, network.graph, written.names)
    assert proof.difference is not None
    assert proof.difference < 1e-5
    named = {name for name, _ in build(network, device="meta").named_parameters()}
    assert set(weight_names(one.flat, written.names).values()) <= named


class GivenParameter(nn.Module):
    """A part that is given a parameter (PiT's token), of which PyTorch's counter says "expected gradient function"."""

    def __init__(self) -> None:
        super().__init__()
        self.shift, self.part, self.stem = nn.Parameter(torch.randn(1, 4, 1, 1)), Times(), nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.part(self.stem(x), self.shift)
        return made


class Times(nn.Module):
    """A product."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x * y


def test_a_module_may_be_given_a_parameter() -> None:
    assert _proved(GivenParameter(), (3, 4, 4)) == ["conv2d", "layer_scale"]
