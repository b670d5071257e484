"""Values that come from no input."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Constant(nn.Module):
    """A tensor of its own, the same for every sample.

    Args:
        shape: of a sample's.
        learnable: whether it is a parameter, rather than a buffer.
    """

    def __init__(self, shape: list[int], *, learnable: bool = False) -> None:
        super().__init__()
        value = torch.zeros(shape)
        self.value: Tensor
        if learnable:
            self.value = nn.Parameter(nn.init.trunc_normal_(value, std=0.02))
        else:
            self.register_buffer("value", value)

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) to (N, *shape), of which x gives the number of samples alone."""
        return self.value.repeat(x.shape[0], *[1] * self.value.dim())


class SinePositions(nn.Module):
    """Sines and cosines of where each unit of a map lies (Vaswani et al. 2017, Carion et al. 2020).

    Args:
        size: of the map, along each axis.
        num_pos_feats: channels for each axis.
        temperature: of the longest wave.
        normalize: whether positions run to `scale` along each axis.
        scale: what they run to then.
        start: the first position along each axis.
        interleave: whether an axis has sines and cosines in turn, not all sines in front.
    """

    def __init__(
        self,
        size: list[int],
        num_pos_feats: int,
        *,
        temperature: float = 10000.0,
        normalize: bool = False,
        scale: float = 2 * torch.pi,
        start: int = 1,
        interleave: bool = True,
    ) -> None:
        super().__init__()
        waves = torch.arange(num_pos_feats, dtype=torch.float32)
        waves = temperature ** (2 * torch.div(waves, 2, rounding_mode="floor") / num_pos_feats)
        found = []
        for axis, count in enumerate(size):
            places = torch.arange(start, count + start, dtype=torch.float32)
            if normalize:
                places = places / (count + 1e-6) * scale
            angles = places[:, None] / waves
            turns = torch.stack([angles[:, 0::2].sin(), angles[:, 1::2].cos()], dim=2)
            turns = (turns if interleave else turns.transpose(1, 2)).flatten(1)
            ahead = [count if other == axis else 1 for other in range(len(size))]
            found.append(turns.T.reshape(num_pos_feats, *ahead).expand(num_pos_feats, *size))
        self.positions: Tensor
        self.register_buffer("positions", torch.cat(found), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, *size) to (N, axes x num_pos_feats, *size), of which x gives N alone."""
        return self.positions.repeat(x.shape[0], *[1] * self.positions.dim())


class RelativePositions(nn.Module):
    """How the positions of a window lie to one another, a row for each difference.

    Args:
        size: of the window, along each axis.
        spacing: `log`, `swin` or `linear`.
    """

    def __init__(self, size: list[int], *, spacing: str = "log") -> None:
        super().__init__()
        axes = [torch.arange(1 - count, count, dtype=torch.float32) for count in size]
        rows = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, -2)
        if spacing == "swin":
            rows = rows / torch.tensor([count - 1 for count in size]) * 8
            rows = rows.sign() * torch.log2(rows.abs() + 1.0) / 3
        elif spacing == "log":
            rows = rows.sign() * torch.log(rows.abs() + 1.0)
        self.relative: Tensor
        self.register_buffer("relative", rows, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) to (N, places, axes), of which x gives N alone."""
        return self.relative.repeat(x.shape[0], 1, 1)


class RelativePositionScores(nn.Module):
    """Scores plus a row of another value for each pair of positions.

    Args:
        size: of the window, along each axis.
        relative: whether rows are of the query's place less the key's (`query`), or of `distance`.
    """

    def __init__(self, size: list[int], *, relative: str = "query") -> None:
        super().__init__()
        index = torch.zeros(1, 1, dtype=torch.long)
        for count in size:
            places = torch.arange(count)
            step = places[:, None] - places[None, :]
            step = step.abs() if relative == "distance" else step + count - 1
            sides = count if relative == "distance" else 2 * count - 1
            index = (
                (index[:, None, :, None] * sides + step[None, :, None, :])
                .flatten(0, 1)
                .flatten(1, 2)
            )
        self.area = index.shape[0]
        self.index: Tensor
        self.register_buffer("index", index.flatten(), persistent=False)

    def forward(self, x: Tensor, rows: Tensor) -> Tensor:
        """(N, ..., heads, queries, keys) and (N, places, heads) to the former."""
        found = rows.index_select(1, self.index).transpose(1, 2)
        lead = [1] * (x.dim() - 4)
        return x + found.reshape(x.shape[0], *lead, x.shape[-3], self.area, self.area)
