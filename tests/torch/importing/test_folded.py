"""What is done to maps and tokens among the samples, and to weights that values meet: as the models that do it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.torch.importing.held import difference, held, numbers, randomise


class InWindows(nn.Module):
    """A part that is given the windows of a map as samples, and its own map back (EfficientViT-M, SAM 2's Hiera)."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.stem, self.part = nn.Conv2d(3, 4, 3, padding=1), part

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, c, h, w = x.shape
        windows = x.view(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 1, 3, 5).reshape(-1, c, 4, 4)
        y = self.part(windows)
        _, c, height, width = y.shape
        y = y.view(n, h // 4, w // 4, c, height, width).permute(0, 3, 1, 4, 2, 5)
        made: Tensor = y.reshape(n, c, h // 4 * height, w // 4 * width)
        return made


class TwoHeads(nn.Module):
    """Two of a part's results behind one another."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(4, 2, 1), nn.Conv2d(4, 3, 3, padding=1, stride=2)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.pool(self.one(x)), self.other(x)], dim=1)


PARTS: dict[str, Callable[[], nn.Module]] = {
    "max_pool": lambda: nn.MaxPool2d(2),
    "avg_pool": lambda: nn.AvgPool2d(3, stride=1, padding=1),
    "adaptive_pool": lambda: nn.AdaptiveAvgPool2d(2),
    "convolution": lambda: nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.BatchNorm2d(4), nn.ReLU()),
    "several": TwoHeads,
}


@pytest.mark.parametrize("name", PARTS)
def test_maps_among_the_samples(name: str) -> None:
    _equal(InWindows(PARTS[name]()), (3, 8, 12))


class HeadsApart(nn.Module):
    """Heads among the samples, whose tokens a convolution of one axis goes along."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.mix = nn.Conv2d(3, 8, 1), nn.Conv1d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, c, h, w = x.shape
        return self.mix(x.reshape(n * 2, c // 2, h * w)).reshape(n, c, h, w)  # type: ignore[no-any-return]


def test_heads_among_the_samples_are_convolved() -> None:
    _equal(HeadsApart(), (3, 4, 3))


class SharedQueries(nn.Module):
    """Attention of windows, all of which ask the same (GCViT)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.kv, self.proj = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 16), nn.Linear(8, 8)
        self.asked = nn.AdaptiveAvgPool2d(4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, c, h, w = x.shape
        q = self.asked(x).flatten(2).transpose(1, 2)  # of 4x4 positions
        x = x.permute(0, 2, 3, 1)
        windows = x.view(n, h // 4, 4, w // 4, 4, c).transpose(2, 3).reshape(-1, 16, c)
        k, v = self.kv(windows).reshape(-1, 16, 2, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        q = q.repeat_interleave(windows.shape[0] // n, dim=0).reshape(-1, 16, 2, 4).transpose(1, 2) * 0.5
        y = self.proj(((q @ k.transpose(-2, -1)).softmax(-1) @ v).transpose(1, 2).reshape(-1, 16, c))
        y = y.view(n, h // 4, w // 4, 4, 4, c).transpose(2, 3).reshape(n, h, w, c)
        made: Tensor = (x + y).permute(0, 3, 1, 2)
        return made


def test_queries_repeated_for_each_window() -> None:
    _equal(SharedQueries(), (3, 8, 12))


class BiasOfAHead(nn.Module):
    """Attention of one head at a time, with its row of a table of distances (EfficientViT-M)."""

    index: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.table = nn.Parameter(torch.zeros(2, 9))
        place = torch.arange(9)
        rows, columns = (place[:, None] // 3 - place // 3).abs(), (place[:, None] % 3 - place % 3).abs()
        self.register_buffer("index", rows * 3 + columns, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.stem(x).flatten(2)
        biases, made = self.table[:, self.index], []
        for head, part in enumerate(tokens.chunk(2, dim=1)):
            scores = part.transpose(1, 2) @ part + biases[head]
            made.append((part @ scores.softmax(-1).transpose(1, 2)).unflatten(2, (3, 3)))
        return torch.cat(made, 1)


def test_the_row_of_a_head() -> None:
    types = _equal(BiasOfAHead(), (3, 3, 3))
    assert types.count("relative_position_scores") == 2


class Tiled(nn.Module):
    """Positions of a small map interpolated, and those of a window side by side (SAM 2's Hiera)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.whole, self.window = nn.Parameter(torch.randn(1, 6, 3, 3)), nn.Parameter(torch.randn(1, 6, 4, 2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).permute(0, 2, 3, 1)
        whole = nn.functional.interpolate(self.whole, size=x.shape[1:3], mode="bicubic")
        return x + (whole + self.window.tile((x.shape[1] // 4, x.shape[2] // 2))).permute(0, 2, 3, 1)


def test_positions_side_by_side() -> None:
    _equal(Tiled(), (3, 8, 6))


class ByMatrix(nn.Module):
    """Tokens by weights that stand as a matrix: a column, a turned one, any, and a fixed one."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.stem = kind, nn.Conv2d(3, 6, 1)
        sizes = {"column": (6, 1), "turned": (5, 6), "any": (6, 5)}.get(kind)
        if sizes:
            self.weight = nn.Parameter(torch.randn(sizes))
        else:
            self.register_buffer("weight", torch.randn(5, 6))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).flatten(2).transpose(1, 2)
        if self.kind == "linear":
            return nn.functional.linear(x, self.weight)
        return x @ (self.weight.transpose(0, 1) if self.kind == "turned" else self.weight)


@pytest.mark.parametrize("kind", ["column", "turned", "any", "linear"])
def test_products_with_weights(kind: str) -> None:
    types = _equal(ByMatrix(kind), (3, 4, 3))
    assert ("linear" in types) == (kind in ("column", "turned"))


class TokenOfNoMap(nn.Module):
    """A token in front of others whose dimension holds positions of no map (TNT)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.token = nn.Conv2d(3, 6, 2, stride=2), nn.Parameter(torch.randn(1, 1, 24))
        self.norm = nn.LayerNorm(6)

    def forward(self, x: Tensor) -> Tensor:
        patches = nn.functional.unfold(self.stem(x), 2, stride=2).transpose(1, 2)
        pixels = self.norm(patches.reshape(-1, 6, 4).transpose(1, 2))
        tokens = pixels.reshape(x.shape[0], -1, 24)
        return torch.cat([self.token.expand(x.shape[0], -1, -1), tokens], dim=1)


def test_a_token_in_front_of_others() -> None:
    _equal(TokenOfNoMap(), (3, 8, 8))


def _equal(model: nn.Module, shape: tuple[int, ...]) -> list[str]:
    """The layer types of a model that is wholly read, with its own params, MACs, shapes and results."""
    torch.manual_seed(0)
    model.eval()
    randomise(model)
    one = held(model, shape)
    assert not one.opaque, one.flat.remarks
    for what, (ours, theirs) in numbers(one).items():
        assert ours == theirs, what
    assert difference(one) <= 1e-6
    return [item.type for item in one.flat.items]


class Skewed(nn.Module):
    """Attention with scores of relative places (BoTNet), in overlapping windows (HaloNet) where these are wider."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window, self.stem, self.kv = window, nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 1, bias=False)
        self.rows, self.columns = (nn.Parameter(torch.randn(2 * window - 1, 4)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, c, h, w = x.shape
        blocks = h // 4 * w // 4
        q = x.reshape(2 * n, 4, h // 4, 4, w // 4, 4).permute(0, 2, 4, 3, 5, 1).reshape(2 * n, blocks, 16, 4)
        halo = (self.window - 4) // 2
        kv = nn.functional.pad(self.kv(x), [halo] * 4).unfold(2, self.window, 4).unfold(3, self.window, 4)
        kv = kv.reshape(2 * n, 8, blocks, -1).permute(0, 2, 3, 1)
        k, v = torch.split(kv, [4, 4], dim=-1)
        scores = q @ k.transpose(-1, -2) * 0.5 + self.logits(q.reshape(-1, 4, 4, 4)).reshape(2 * n, blocks, 16, -1)
        y = (scores.softmax(-1) @ v).reshape(n, 2, h // 4, w // 4, 4, 4, 4)
        made: Tensor = y.permute(0, 1, 6, 2, 4, 3, 5).reshape(n, c, h, w)
        return made

    def logits(self, q: Tensor) -> Tensor:
        of_columns = self.along(q, self.columns).permute(0, 1, 3, 2, 4)
        return self.along(q.transpose(1, 2), self.rows).permute(0, 3, 1, 4, 2) + of_columns

    def along(self, q: Tensor, vectors: Tensor) -> Tensor:
        """Of queries by vectors for all places, what belongs to keys."""
        n, h, w, _ = q.shape
        x = (q @ vectors.transpose(-1, -2)).reshape(-1, w, 2 * self.window - 1)
        flat = nn.functional.pad(nn.functional.pad(x, [0, 1]).flatten(1), [0, 2 * self.window - 1 - w])
        x = flat.reshape(-1, w + 1, 2 * self.window - 1)[:, :w, self.window - 1 :]
        return x.reshape(n, h, 1, w, self.window).expand(-1, -1, self.window, -1, -1)


@pytest.mark.parametrize("window", [4, 6])
def test_scores_of_relative_places(window: int) -> None:
    types = _equal(Skewed(window), (3, 8, 8))
    assert types.count("relative_to_absolute") == 2
    assert types.count("unfold") == 1


class Decomposed(nn.Module):
    """Attention with vectors for each pair along each axis, behind a token or not, heads pooled (MViT V2)."""

    def __init__(self, *, has_token: bool) -> None:
        super().__init__()
        self.stem, self.pool = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(4, 4, 3, 2, 1, groups=4)
        self.token = nn.Parameter(torch.randn(1, 1, 8)) if has_token else None
        self.vectors = nn.ParameterList([torch.randn(7, 4), torch.randn(11, 4)])

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, c, h, w = x.shape
        first, x = int(self.token is not None), x.flatten(2).transpose(1, 2)
        if self.token is not None:
            x = torch.cat([self.token.expand(n, -1, -1), x], dim=1)
        q = x.reshape(n, -1, 2, 4).transpose(1, 2)
        k = self.pool(q[:, :, first:].reshape(-1, h, w, 4).permute(0, 3, 1, 2)).reshape(n, 2, 4, -1).transpose(2, 3)
        if self.token is not None:
            k = torch.cat([q[:, :, :1], k], dim=2)
        scores = (q * 0.5) @ k.transpose(-2, -1)
        pairs = [rows[self.places(s)] for rows, s in zip(self.vectors, (h, w), strict=True)]
        map_of = q[:, :, first:].reshape(n, 2, h, w, 4)
        rows = torch.einsum("byhwc,hkc->byhwk", map_of, pairs[0])
        columns = torch.einsum("byhwc,wkc->byhwk", map_of, pairs[1])
        whole = scores[:, :, first:, first:].view(n, -1, h, w, h // 2, w // 2)
        scores[:, :, first:, first:] = (whole + rows.unsqueeze(-1) + columns.unsqueeze(-2)).view(
            n, -1, h * w, h * w // 4
        )
        made: Tensor = (scores.softmax(-1) @ k).transpose(1, 2).reshape(n, -1, c)
        return made

    def places(self, size: int) -> Tensor:
        found = torch.arange(size)[:, None] - torch.arange(size // 2)[None, :] * 2.0
        found += (size // 2 - 1) * 2.0
        return found.long()


@pytest.mark.parametrize("has_token", [True, False])
def test_vectors_of_pairs(*, has_token: bool) -> None:
    types = _equal(Decomposed(has_token=has_token), (3, 4, 6))
    assert types.count("relative_rows") == 2
    assert types.count("conv3d") == 1


class Overwritten(nn.Module):
    """Some of a value written over: the last rows, as may be read; the first, as may not."""

    def __init__(self, *, last: bool) -> None:
        super().__init__()
        self.last, self.stem, self.other = last, nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        y, z = self.stem(x), self.other(x)
        if self.last:
            y[:, :, 2:] = z[:, :, 2:]
        else:
            y[:, :, :2] = z[:, :, :2]
        made: Tensor = y
        return made


def test_the_last_rows_may_be_written_over() -> None:
    types = _equal(Overwritten(last=True), (3, 6, 5))
    assert types.count("concat") == 1
    assert held(Overwritten(last=False).eval(), (3, 6, 5)).opaque


class OwnWeights(nn.Module):
    """A convolution whose weights are mixed for each sample (CondConv), its padding in front of it or its own."""

    def __init__(self, kernel: int, groups: int, stride: int = 1, sides: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.stem, self.routing = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 4)
        self.size = (12, 8 // groups, kernel, kernel)
        self.groups, self.stride, self.sides = groups, stride, sides
        self.weight = nn.Parameter(torch.randn(4, 12 * 8 // groups * kernel * kernel) * 0.1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, c, h, w = x.shape
        weights = torch.matmul(torch.sigmoid(self.routing(x.mean((2, 3)))), self.weight)
        x = x.reshape(1, n * c, h, w)
        padding = self.size[-1] // 2
        if self.sides:
            x, padding = functional.pad(x, self.sides), 0
        weights = weights.view(n * self.size[0], *self.size[1:])
        y = functional.conv2d(x, weights, None, self.stride, padding, groups=n * self.groups)
        return y.permute(1, 0, 2, 3).view(n, self.size[0], *y.shape[2:])


OWN_WEIGHTS = {
    "pointwise": OwnWeights(1, 1),
    "pointwise with strides": OwnWeights(1, 2, 2),
    "grouped": OwnWeights(3, 4, 2),
    "padded in front": OwnWeights(3, 1, 2, (0, 1, 0, 2)),
}


@pytest.mark.parametrize("name", OWN_WEIGHTS)
def test_weights_of_each_sample_are_products(name: str) -> None:
    types = _equal(OWN_WEIGHTS[name], (3, 9, 8))
    assert types.count("matmul") == 2
    assert ("unfold" in types) == (name != "pointwise")


def test_a_bias_of_each_sample_is_not_overlooked() -> None:
    class WithBias(OwnWeights):
        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            n, c, h, w = x.shape
            routed = torch.sigmoid(self.routing(x.mean((2, 3))))
            weights = torch.matmul(routed, self.weight).view(n * 12, c, 1, 1)
            bias = routed.repeat(1, 3).reshape(n * 12)
            y = functional.conv2d(x.reshape(1, n * c, h, w), weights, bias, groups=n)
            return y.view(n, 12, h, w)

    torch.manual_seed(0)
    assert held(WithBias(1, 1).eval(), (3, 9, 8)).opaque


class MergedInFrames(nn.Module):
    """Blocks of four neighbours as channels, in each frame of a video with its channels last (Swin for video)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm, self.reduction = nn.Conv3d(3, 4, 2, 2), nn.LayerNorm(16), nn.Linear(16, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).permute(0, 2, 3, 4, 1)
        blocks = [x[..., i::2, j::2, :] for j in (0, 1) for i in (0, 1)]
        return self.reduction(self.norm(torch.cat(blocks, -1)))  # type: ignore[no-any-return]


def test_blocks_of_neighbours_in_frames_keep_their_positions() -> None:
    torch.manual_seed(0)
    types = _equal(MergedInFrames(), (3, 4, 8, 12))
    assert types.count("concat") == 1
    assert "as_channels" not in types
    field = held(MergedInFrames(), (3, 4, 8, 12)).network.analyze().to_dict()["total"]["receptive_field"]
    assert (field["size"], field["stride"]) == ([2, 4, 4], [2, 4, 4])


class BiasInParts(nn.Module):
    """A linear layer whose bias is put together of several (Swin V2 has none for its keys)."""

    key: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.qkv = nn.Conv2d(3, 6, 1), nn.Linear(6, 12, bias=False)
        self.query, self.value = nn.Parameter(torch.randn(4)), nn.Parameter(torch.randn(4))
        self.register_buffer("key", torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        bias = torch.cat((self.query, self.key, self.value))
        return functional.linear(self.stem(x).flatten(2).transpose(1, 2), self.qkv.weight, bias)


def test_a_bias_put_together_of_parts_is_added() -> None:
    types = _equal(BiasInParts(), (3, 4, 3))
    assert types[-6:] == ["linear", "constant", "constant", "constant", "concat", "add"]


class Rolled(nn.Module):
    """A map whose last rows and columns come first, and what it is rolled back to."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = torch.roll(self.last(torch.roll(x, (2, 3), (2, 3))), -1, 3)
        return y + self.last(x)  # type: ignore[no-any-return]


def test_rolled_maps_are_parts_behind_one_another() -> None:
    types = _equal(Rolled(), (3, 9, 8))
    assert types.count("concat") == 3


class CosineWindows(nn.Module):
    """Attention by angles in windows of a rolled map, by a network of positions and a mask (Swin V2)."""

    def __init__(self, shift: int, window: int = 4, size: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.stem, self.shift, self.window, self.heads = nn.Conv2d(3, 8, 1), shift, window, heads
        self.qkv, self.proj = nn.Linear(8, 24), nn.Linear(8, 8)
        self.logit_scale = nn.Parameter(torch.randn(heads, 1, 1) + 4)
        self.net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(inplace=True), nn.Linear(16, heads, bias=False))
        axis = torch.arange(1 - window, window).float() * 8 / (window - 1)
        table = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1)[None]
        self.register_buffer("table", table.sign() * torch.log2(table.abs() + 1) / 3)
        at = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        apart = (at[:, :, None] - at[:, None]) + window - 1
        self.register_buffer("index", apart[0] * (2 * window - 1) + apart[1])
        windows = (size // window) ** 2
        self.register_buffer("mask", torch.randint(0, 2, (windows, window**2, window**2)) * -100.0, persistent=False)

    table: Tensor
    index: Tensor
    mask: Tensor

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).permute(0, 2, 3, 1)
        n, h, w, c = x.shape
        side, area = self.window, self.window**2
        if self.shift:
            x = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        x = x.view(n, h // side, side, w // side, side, c).transpose(2, 3).reshape(-1, area, c)
        q, k, v = self.qkv(x).view(-1, area, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        scores = functional.normalize(q, dim=-1) @ functional.normalize(k, dim=-1).transpose(-2, -1)
        scores = scores * torch.clamp(self.logit_scale, max=4.6).exp()
        bias = self.net(self.table).view(-1, self.heads)[self.index.view(-1)].view(area, area, -1)
        scores = scores + 16 * torch.sigmoid(bias.permute(2, 0, 1)).unsqueeze(0)
        if self.shift:
            scores = scores.view(-1, len(self.mask), self.heads, area, area) + self.mask.unsqueeze(1).unsqueeze(0)
            scores = scores.view(-1, self.heads, area, area)
        x = self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(-1, area, c))
        x = x.view(n, h // side, w // side, side, side, c).transpose(2, 3).reshape(n, h, w, c)
        return torch.roll(x, (self.shift, self.shift), (1, 2)) if self.shift else x


@pytest.mark.parametrize("shift", [0, 2])
def test_attention_by_angles_in_windows(shift: int) -> None:
    torch.manual_seed(0)
    types = _equal(CosineWindows(shift), (3, 8, 8))
    assert types.count("normalize") == 2
    assert "relu" in types  # of the network of positions, which is computed in place
    assert types.count("concat") == (4 if shift else 0)
