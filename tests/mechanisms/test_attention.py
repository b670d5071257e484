"""Attention over tokens, in short configs; timm's own where it is installed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.swin_transformer import ShiftedWindowAttention

from archlab.analysis.conditions import Conditions
from archlab.api.load import load, loads
from archlab.api.model import build
from archlab.torch.verify import verify
from archlab.torch.verify_field import verify_receptive_field
from archlab.torch.verify_memory import verify_memory
from archlab.torch.verify_projection import verify_projective_field
from tests.mechanisms.equality import FOLDER, assert_equal


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


class Windows(nn.Module):
    """Swin's window attention (Liu et al. 2021), position by position: keys are picked by where they are."""

    def __init__(self, *, window: int, shift: int, size: tuple[int, int], dilation: int = 1) -> None:
        super().__init__()
        self.qkv = nn.Linear(24, 72)
        self.table = nn.Parameter(torch.randn((2 * window - 1) ** 2, 3))
        self.proj = nn.Linear(24, 24)
        self.window, self.shift, self.size, self.dilation = window, shift, size, dilation

    def forward(self, x: Tensor) -> Tensor:
        height, width = self.size
        q, k, v = (p.flatten(1, 2).unflatten(-1, (3, -1)).transpose(1, 2) for p in self.qkv(x).chunk(3, -1))
        bias = torch.full((3, height * width, height * width), float("-inf"))
        row, column = (place.flatten() for place in torch.meshgrid(*map(torch.arange, self.size), indexing="ij"))
        places = 2 * self.window - 1
        for one in range(height * width):
            for other in range(height * width):
                pairs = [(int(axis[one]), int(axis[other])) for axis in (row, column)]
                if all(self.together(*pair) for pair in pairs):
                    down, right = (
                        (a // self.dilation - b // self.dilation) + self.window - 1
                        if self.dilation > 1
                        else a - b + self.window - 1
                        for a, b in pairs
                    )
                    bias[:, one, other] = self.table[down * places + right]
        scores = q @ k.mT / q.shape[-1] ** 0.5 + bias
        made: Tensor = self.proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))
        return made.view(x.shape)

    def together(self, one: int, other: int) -> bool:
        """Whether two places along an axis are in one window."""
        if self.dilation > 1:
            return one % self.dilation == other % self.dilation
        return (one - self.shift) // self.window == (other - self.shift) // self.window


def swin_of(*blocks: Windows) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 24, 4, 4), Last(), nn.LayerNorm(24), *blocks, First())


class Last(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1)


class First(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 3, 1, 2)


LAYERS = """
input: [3, 32, 48]
layers:
  - {name: patch_embed, type: conv2d, out_channels: 24, kernel_size: 4, stride: 4}
  - {type: channels_last}
  - {type: layer_norm}
  - {name: a, type: self_attention, num_heads: 3, qkv_bias: true, relative_position: true, %s}
  - {name: b, type: self_attention, num_heads: 3, qkv_bias: true, relative_position: true, %s}
  - {type: channels_first}
"""


@pytest.mark.parametrize(
    ("options", "blocks"),
    [
        (("window_size: 4", "window_size: 4, shift_size: 2, fused: false"), ((4, 0, 1), (4, 2, 1))),
        (("window_size: 2, shift_size: 1", "window_size: 4, shift_size: 3"), ((2, 1, 1), (4, 3, 1))),
    ],
)
def test_windows_position_by_position(options: tuple[str, str], blocks: tuple[tuple[int, int, int], ...]) -> None:
    built = build(loads(LAYERS % options)).eval()
    by_hand = swin_of(*[Windows(window=w, shift=s, size=(8, 12), dilation=d) for w, s, d in blocks]).eval()
    theirs = by_hand.state_dict()
    names = {"qkv": "qkv", "table": "attention.relative_position_bias_table", "proj": "proj"}
    paths = {"0": "patch_embed", "2": "ln", "3": "a", "4": "b"}
    for path, tensor in theirs.items():
        index, *rest = path.split(".")
        inner = [names.get(rest[0], rest[0]), *rest[1:]]
        built.state_dict()[".".join([paths[index], *inner])].copy_(tensor)
    sample = torch.rand(2, 3, 32, 48)
    with torch.no_grad():
        torch.testing.assert_close(built(sample), by_hand(sample))


@pytest.mark.parametrize("name", ["swin", "grid_attention"])
def test_windows_are_what_is_built(name: str) -> None:
    network = load(str(FOLDER / f"{name}.yaml"))
    for report in (verify(network), verify_receptive_field(network), verify_memory(network, Conditions(2))):
        assert report.ok, report.render()


def test_swin_timm() -> None:
    """timm's own window attention, with its order of positions in a window and of rows in the table."""
    swin = pytest.importorskip("timm.models.swin_transformer")
    block = swin.SwinTransformerBlock(24, (8, 12), 3, window_size=4, shift_size=2, mlp_ratio=2.0).eval()
    text = """
input: [24, 8, 12]
layers:
  - {type: channels_last}
  - type: residual
    body:
      - {name: norm1, type: layer_norm}
      - {name: attn, type: self_attention, num_heads: 3, qkv_bias: true, window_size: 4, shift_size: 2,
         relative_position: true}
  - type: residual
    body: [{name: norm2, type: layer_norm}, {name: fc1, type: linear, out_features: 48, activation: gelu},
           {name: fc2, type: linear, out_features: 24}]
"""
    built = build(loads(text)).eval()
    for name, tensor in block.state_dict().items():
        path = name.replace("attn.relative", "attn.attention.relative").removeprefix("mlp.")
        path = path.replace("fc1.", "fc1.fc.")
        if path in built.state_dict():
            built.state_dict()[path].copy_(tensor)
        else:
            assert "index" in name or "mask" in name, (name, list(built.state_dict()))
    sample = torch.rand(2, 24, 8, 12)
    with torch.no_grad():
        torch.testing.assert_close(built(sample), block(sample.permute(0, 2, 3, 1)))


class Normed(nn.Module):
    """timm's with `qk_norm`, of maps with their channels last."""

    def __init__(self, *, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.qkv, self.proj = nn.Linear(12, 36, bias=False), nn.Linear(12, 12)
        self.q_norm, self.k_norm = nn.LayerNorm(4), nn.LayerNorm(4)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.qkv(x).flatten(1, -2).chunk(3, -1)
        q, k, v = (part.unflatten(-1, (3, -1)).transpose(1, 2) for part in parts)
        made: Tensor = self.proj(attended(self.q_norm(q), self.k_norm(k), v, fused=self.fused))
        return made.view(x.shape)


NORMED = """
input: [12, %s]
layers:
  - {type: channels_last}
  - {name: a, type: self_attention, num_heads: 3, qk_norm: true, %s}
"""


@pytest.mark.parametrize("size", ["5", "4, 5", "2, 3, 2"])
@pytest.mark.parametrize("options", ["fused: true", "fused: false", "fused: false, attn_drop: 0.5", "head_first: true"])
def test_normed_queries_and_keys(size: str, options: str) -> None:
    """Weights of timm's names; each head by itself, with weights for its channels that all heads share."""
    network = loads(NORMED % (size, options))
    built = build(network).eval()
    theirs = Normed(fused="true" in options).eval()
    for name, tensor in theirs.named_parameters():
        nn.init.normal_(tensor)
        kept = tensor.view(3, 3, 4, *tensor.shape[1:]).transpose(0, 1).flatten(0, 2) if "qkv" in name else tensor
        built.get_parameter(f"a.{name}").data.copy_(kept if "head_first" in options else tensor)
    sample = torch.rand(2, 12, *map(int, size.split(",")))
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        expected = theirs(sample.movedim(1, -1))
    torch.testing.assert_close(built(sample), expected)
    total = network.analyze().total
    assert total.params == sum(tensor.numel() for tensor in theirs.parameters())
    assert 2 * 2 * total.macs == counter.get_total_flops()


OTHERS = """
input: [12, 4, 6]
layers:
  - {type: conv2d, out_channels: 12, kernel_size: 3, padding: 1}
  - {name: map, type: channels_last}
  - {type: avg_pool2d, kernel_size: 2, from: input}
  - {name: smaller, type: channels_last}
  - {name: a, from: map, num_heads: 3, qk_norm: true, %s}
outputs: [smaller, a]
"""


@pytest.mark.parametrize("options", ["type: self_attention, sr_ratio: 2", "type: cross_attention, with: [smaller]"])
def test_normed_queries_and_keys_of_other_values(options: str) -> None:
    network = loads(OTHERS % options)
    for report in (verify(network), verify_receptive_field(network), verify_memory(network, Conditions(2))):
        assert report.ok, report.render()


def test_normed_queries_and_keys_with_a_class_token() -> None:
    """Heads that are merged leave the tokens that stand for no position, which can be cut off."""
    network = loads(
        "input: [3, 4, 5]\nlayers: [{type: conv2d, out_channels: 4, kernel_size: 1}, {type: flatten, start_dim: 2}, "
        "{type: transpose, dim0: 1, dim1: 2}, {type: class_token}, {type: self_attention, num_heads: 2, qk_norm: true},"
        "{type: narrow, dim: 1, start: 1, length: 20}, {type: transpose, dim0: 1, dim1: 2}, "
        "{type: unflatten, dim: 2, unflattened_size: [4, 5]}]"
    )
    for report in (verify(network), verify_receptive_field(network), verify_projective_field(network)):
        assert report.ok, report.render()


def test_normed_queries_and_keys_timm() -> None:
    vision = pytest.importorskip("timm.models.vision_transformer")
    theirs = vision.Attention(12, 3, qkv_bias=True, qk_norm=True, norm_layer=nn.LayerNorm).eval()
    text = NORMED % ("5", "qkv_bias: true")
    built, sample = build(loads(text)).eval(), torch.rand(2, 12, 5)
    built.load_state_dict({f"a.{name}": tensor for name, tensor in theirs.state_dict().items()})
    torch.testing.assert_close(built(sample), theirs(sample.mT))


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(("size", "window", "shift"), [((6, 5), 4, 2), ((7, 9), 3, 0), ((5, 8), 4, 1), ((3, 7), 3, 2)])
def test_windows_that_do_not_divide_a_map(size: tuple[int, int], window: int, shift: int, *, fused: bool) -> None:
    """torchvision's own: zeros at the right and at the bottom, which are tokens, and the mask of the larger map."""
    theirs = ShiftedWindowAttention(12, [window] * 2, [shift] * 2, 3).eval()
    text = (
        f"input: [12, {size[0]}, {size[1]}]\nlayers: [{{type: channels_last}}, {{name: a, type: self_attention, "
        f"num_heads: 3, qkv_bias: true, relative_position: true, window_size: {window}, shift_size: {shift}, "
        f"fused: {str(fused).lower()}}}]"
    )
    network = loads(text)
    built = build(network).eval()
    for name, tensor in theirs.named_parameters():
        nn.init.normal_(tensor)
        path = name.replace("relative_position_bias_table", "attention.relative_position_bias_table")
        built.get_parameter(f"a.{path}").data.copy_(tensor)
    sample = torch.rand(2, 12, *size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        expected = theirs(sample.permute(0, 2, 3, 1))
    torch.testing.assert_close(built(sample), expected)
    total = network.analyze().total
    assert (total.params, 4 * total.macs) == (sum(p.numel() for p in theirs.parameters()), counter.get_total_flops())
    reports = verify_receptive_field(network), verify_projective_field(network), verify_memory(network, Conditions(2))
    for report in (verify(network), *reports):
        assert report.ok, report.render()


def test_the_transformer_of_the_docs_is_timms_vit_tiny() -> None:
    """Params, MACs and logits."""
    timm = pytest.importorskip("timm")
    text = (FOLDER.parents[1] / "docs" / "language.md").read_text(encoding="utf-8")
    network = loads(text.partition("A vision transformer:")[2].partition("```yaml\n")[2].partition("```")[0])
    torch.manual_seed(0)
    theirs, sample = timm.create_model("vit_tiny_patch16_224").eval(), torch.randn(1, 3, 224, 224)
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        expected = theirs(sample)
    total = network.analyze().total
    assert (total.params, 2 * total.macs) == (5_717_416, counter.get_total_flops())
    names = {"cls_token": "class_token.class_token", "pos_embed": "pos_embed.pos_embed"}
    model = build(network, weights=theirs.state_dict(), weights_map=names).eval()
    with torch.no_grad():
        torch.testing.assert_close(model(sample), expected, atol=1e-5, rtol=1e-4)
