"""Attention over tokens, and what tokens get beside it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """Attention of queries to keys, whose values are summed up, by head (Vaswani et al. 2017).

    Args:
        num_heads: of queries, keys and values, each with its own part of the channels.
        fused: whether by `scaled_dot_product_attention`, rather than written out.
        dropout: probability of leaving out a weight, in training.
        head_first: whether queries, keys and values of a head lie together.
    """

    def __init__(
        self, num_heads: int, *, fused: bool = True, dropout: float = 0.0, head_first: bool = False
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.fused = fused
        self.dropout = dropout
        self.head_first = head_first

    def forward(self, x: Tensor, keys: Tensor | None = None) -> Tensor:
        """(N, ..., 3 C) to (N, ..., C); or of queries (N, ..., C) with `keys` (N, ..., 2 C)."""
        batch, *positions, width = x.shape
        if keys is None:
            q, k, v = self.parts(x, 3).unbind(0)
            width //= 3
        else:
            q = x.reshape(batch, -1, self.num_heads, width // self.num_heads).transpose(1, 2)
            k, v = self.parts(keys, 2).unbind(0)
        dropout = self.dropout if self.training else 0.0
        if self.fused:
            y = nn.functional.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
        elif dropout:
            y = (
                nn.functional.dropout(
                    ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).softmax(-1), dropout
                )
                @ v
            )
        else:
            y = ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).softmax(-1) @ v
        return y.transpose(1, 2).reshape(batch, *positions, width)

    def parts(self, x: Tensor, count: int) -> Tensor:
        """(N, ..., count * C) as (count, N, heads, tokens, width)."""
        batch, width = x.shape[0], x.shape[-1] // (count * self.num_heads)
        if self.head_first:
            return x.reshape(batch, -1, self.num_heads, count, width).permute(3, 0, 2, 1, 4)
        return x.reshape(batch, -1, count, self.num_heads, width).permute(2, 0, 3, 1, 4)


class WindowAttention(nn.Module):
    """Attention inside of windows of a map with its channels last (Liu et al. 2021).

    Args:
        size: of the map, along each axis.
        num_heads: of queries, keys and values, each with its own part of the channels.
        window_size: positions of a window along each axis, which divide the map's.
        shift_size: by how much windows are shifted along each axis.
        dilated: whether a window's positions lie evenly over the whole map, not side by side.
        relative_position: whether to learn a bias for each relative position and head.
        fused: whether by `scaled_dot_product_attention`, rather than written out.
        dropout: probability of leaving out a weight, in training.
        head_first: whether queries, keys and values of a head lie together.
    """

    def __init__(  # noqa: PLR0913
        self,
        size: list[int],
        num_heads: int,
        window_size: list[int],
        shift_size: list[int] | None = None,
        *,
        dilated: bool = False,
        relative_position: bool = False,
        fused: bool = True,
        dropout: float = 0.0,
        head_first: bool = False,
    ) -> None:
        super().__init__()
        self.num_heads, self.fused, self.dropout, self.head_first = (
            num_heads,
            fused,
            dropout,
            head_first,
        )
        self.size, self.window_size, self.shift_size = size, window_size, shift_size
        # `strict` is left out since the export does not know it.
        counts = [whole // part for whole, part in zip(size, window_size)]  # noqa: B905
        pairs = zip(window_size, counts) if dilated else zip(counts, window_size)  # noqa: B905
        self.halves = [half for pair in pairs for half in pair]
        inside, last = 1 if dilated else 2, 2 * len(size) + 1
        self.order = [0, *range(3 - inside, last, 2), *range(inside, last, 2), last]
        self.back = [self.order.index(dim) for dim in range(last + 1)]
        self.merged = [*counts, *window_size]
        self.area = 1
        for part in window_size:
            self.area *= part
        self.relative_position_bias_table = None
        if relative_position:
            places = 1
            for part in window_size:
                places *= 2 * part - 1
            table = torch.zeros(places, num_heads)
            self.relative_position_bias_table = nn.Parameter(nn.init.trunc_normal_(table, std=0.02))
            self.relative_position_index: Tensor
            self.register_buffer(
                "relative_position_index", self.relative_positions(), persistent=False
            )
        if shift_size is not None:
            self.attn_mask: Tensor
            self.register_buffer("attn_mask", self.mask(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, *axes, C) of queries, keys and values (N, *axes, 3 C)."""
        q, k, v = self.windows(x).unbind(0)
        bias = self.bias(x.shape[0])
        dropout = self.dropout if self.training else 0.0
        if self.fused:
            y = nn.functional.scaled_dot_product_attention(
                q, k, v, attn_mask=bias, dropout_p=dropout
            )
        else:
            y = self.weights(q, k, bias, dropout) @ v
        return self.joined(y, x.shape[0])

    def weights(self, q: Tensor, k: Tensor, bias: Tensor | None, dropout: float) -> Tensor:
        """Softmax over the keys of what each query makes of them."""
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
        if bias is not None:
            scores = scores + bias
        scores = scores.softmax(-1)
        return nn.functional.dropout(scores, dropout) if dropout else scores

    def windows(self, x: Tensor) -> Tensor:
        """(N, *axes, 3 C) as (3, N * windows, heads, positions of a window, width)."""
        axes = list(range(1, len(self.size) + 1))
        if self.shift_size is not None:
            x = torch.roll(x, [-shift for shift in self.shift_size], axes)
        x = x.reshape(x.shape[0], *self.halves, x.shape[-1]).permute(self.order)
        x = x.reshape(-1, self.area, x.shape[-1])
        width = x.shape[-1] // (3 * self.num_heads)
        if self.head_first:
            return x.reshape(*x.shape[:2], self.num_heads, 3, width).permute(3, 0, 2, 1, 4)
        return x.reshape(*x.shape[:2], 3, self.num_heads, width).permute(2, 0, 3, 1, 4)

    def joined(self, y: Tensor, batch: int) -> Tensor:
        """(N * windows, heads, positions of a window, width) as (N, *axes, C)."""
        width = y.shape[1] * y.shape[3]
        y = (
            y.transpose(1, 2)
            .reshape(batch, *self.merged, width)
            .permute(self.back)
            .reshape(batch, *self.size, width)
        )
        if self.shift_size is not None:
            y = torch.roll(y, self.shift_size, list(range(1, len(self.size) + 1)))
        return y

    def bias(self, batch: int) -> Tensor | None:
        """What is added to the scores: by relative position, and the mask of shifted windows."""
        bias = None
        if self.relative_position_bias_table is not None:
            table = self.relative_position_bias_table[self.relative_position_index]
            bias = table.view(1, self.area, self.area, self.num_heads).permute(0, 3, 1, 2)
        if self.shift_size is not None:
            mask = self.attn_mask.unsqueeze(1)
            bias = (mask if bias is None else bias + mask).repeat(batch, 1, 1, 1)
        return bias

    def relative_positions(self) -> Tensor:
        """For each pair of a window's positions, the row of the table."""
        index = torch.zeros(1, 1, dtype=torch.long)
        for part in self.window_size:
            places = torch.arange(part)
            step = (places[:, None] - places[None, :] + part - 1)[None, :, None, :]
            index = (index[:, None, :, None] * (2 * part - 1) + step).flatten(0, 1).flatten(1, 2)
        return index.flatten()

    def mask(self) -> Tensor:
        """For each window -100 between positions that only rolling brought together."""
        regions = torch.zeros(1, *self.size, 1)
        parts = zip(self.size, self.window_size, self.shift_size or [])  # noqa: B905
        for axis, (size, part, shift) in enumerate(parts, 1):
            place = torch.arange(size).view(-1, *[1] * (len(self.size) - axis + 1))
            regions = regions * 3 + (
                (place >= size - part).int() + (place >= size - shift).int() if shift else 0
            )
        groups = regions.reshape(1, *self.halves, 1).permute(self.order).reshape(-1, self.area)
        return (groups[:, None, :] != groups[:, :, None]) * -100.0


class ClassToken(nn.Module):
    """Learned tokens in front of others (Dosovitskiy et al. 2021).

    Args:
        num_features: channels of a token.
        num_tokens: how many.
    """

    def __init__(self, num_features: int, num_tokens: int = 1) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, num_tokens, num_features))

    def forward(self, x: Tensor) -> Tensor:
        """(N, tokens, C) to (N, num_tokens + tokens, C)."""
        return torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], dim=1)


class PositionEmbedding(nn.Module):
    """A learned value for each position and channel, added (Dosovitskiy et al. 2021).

    Args:
        shape: of a sample.
    """

    def __init__(self, shape: list[int]) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, *shape))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """The value, of the same shape."""
        return x + self.pos_embed


class RelativePositionBias(nn.Module):
    """A learned number for each head and relative position, added to scores (Liu et al. 2021).

    Args:
        num_heads: of the scores.
        size: positions of the keys along each axis.
        relative: `query`, for its place less the key's; `key`, for the opposite, heads in front;
            `distance`, for that, heads in front.
        stride: queries are every so many positions along each axis.
    """

    def __init__(
        self, num_heads: int, size: list[int], *, relative: str = "query", stride: int = 1
    ) -> None:
        super().__init__()
        self.num_heads, self.size, self.relative, self.stride = num_heads, size, relative, stride
        sides = [axis if relative == "distance" else 2 * axis - 1 for axis in size]
        table = torch.empty(num_heads, *sides)
        if relative == "query":
            table = table.flatten(1).T.contiguous()
        elif relative == "distance":
            table = table.flatten(1)
        self.relative_position_bias_table = nn.Parameter(nn.init.trunc_normal_(table, std=0.02))
        self.relative_position_index: Tensor
        self.register_buffer("relative_position_index", self.positions(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, ..., heads, queries, keys), unchanged."""
        lead = [1] * (x.dim() - 3)
        if self.relative == "query":
            table = self.relative_position_bias_table[self.relative_position_index]
            table = table.view(*lead, x.shape[-2], x.shape[-1], self.num_heads)
            return x + table.movedim(-1, -3)
        table = self.relative_position_bias_table.flatten(1)[:, self.relative_position_index]
        return x + table.view(*lead, self.num_heads, x.shape[-2], x.shape[-1])

    def positions(self) -> Tensor:
        """For each query and key, the entry of the table."""
        index = torch.zeros(1, 1, dtype=torch.long)
        for axis in self.size:
            step = torch.arange(0, axis, self.stride)[:, None] - torch.arange(axis)[None, :]
            count = 2 * axis - 1
            if self.relative == "distance":
                step, count = step.abs(), axis
            else:
                step = (step if self.relative == "query" else -step) + axis - 1
            index = index[:, None, :, None] * count + step[None, :, None, :]
            index = index.flatten(0, 1).flatten(1, 2)
        return index.flatten()
