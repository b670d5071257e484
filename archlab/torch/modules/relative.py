"""Attention by how far keys lie from queries along one axis."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RelativeToAbsolute(nn.Module):
    """Scores of each query for relative places made those for its keys (Bello et al. 2019).

    Args:
        queries: how many there are.
        keys: as many, or more.
    """

    def __init__(self, queries: int, keys: int) -> None:
        super().__init__()
        index = torch.arange(keys)[None, :] - torch.arange(queries)[:, None] + keys - 1
        self.index: Tensor
        self.register_buffer("index", index, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, ..., queries, 2 keys - 1) to (N, ..., queries, keys)."""
        return x.gather(-1, self.index.expand(*x.shape[:-2], -1, -1))


class RelativeRows(nn.Module):
    """A row for each query and key by how far they lie apart (Li et al. 2022, MViT V2).

    Args:
        queries: how many there are.
        keys: how many there are.
    """

    def __init__(self, queries: int, keys: int) -> None:
        super().__init__()
        self.queries, self.keys = queries, keys
        further, apart = max(keys / queries, 1.0), max(queries / keys, 1.0)
        places = torch.arange(queries)[:, None] * further - torch.arange(keys)[None, :] * apart
        self.index: Tensor
        index = (places + (keys - 1) * apart).long().flatten()
        self.register_buffer("index", index, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, places, channels) to (N, queries, keys, channels)."""
        rows = x.index_select(1, self.index)
        return rows.view(x.shape[0], self.queries, self.keys, x.shape[-1])
