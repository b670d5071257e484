"""Attention by how far keys lie from queries along one axis: scores for all places, and vectors for each pair."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from archlab.analysis.conditions import Conditions
from archlab.torch.modules import RelativeRows, RelativeToAbsolute
from archlab.torch.verify_memory import verify_memory
from archlab.torch.verify_projection import verify_projective_field
from tests.mechanisms.equality import assert_equal


def absolute(x: Tensor) -> Tensor:
    """By padding and another shape, as Ramachandran et al. and BoTNet do: (n, queries, places)."""
    n, queries, places = x.shape
    keys = (places + 1) // 2
    flat = nn.functional.pad(nn.functional.pad(x, [0, 1]).flatten(1), [0, places - queries])
    return flat.reshape(n, queries + 1, places)[:, :queries, keys - 1 :]


class Logits(nn.Module):
    """Queries by vectors for columns, all of them (BoTNet), and for rows, those of each pair (MViT V2)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.columns = nn.Conv2d(3, 6, 3, padding=1), nn.Linear(6, 7, bias=False)
        self.rows = nn.ParameterList([torch.randn(30)])

    def forward(self, x: Tensor) -> Tensor:
        q = self.stem(x).permute(0, 2, 3, 1)
        of_columns = torch.unflatten(absolute(self.columns(q).flatten(0, 1)), 0, (-1, 3))
        place = torch.arange(3)
        pairs = self.rows[0].view(5, 6)[place[:, None] - place + 2]
        of_rows = torch.einsum("nhwc,hkc->nhwk", q, pairs)
        return torch.cat([of_rows, of_columns], -1).softmax(-1)


def test_logits_of_both_kinds() -> None:
    network = assert_equal("relative_logits", Logits())
    # 12 queries of 6 channels by 7 places, and by 3 pairs
    assert network.analyze().total.macs == 12 * (27 * 6 + 7 * 6 + 3 * 6)
    report = verify_projective_field(network)
    assert report.ok, report.render()
    for batch in (1, 3):
        memory = verify_memory(network, Conditions(batch))
        assert memory.ok, memory.render()


@pytest.mark.parametrize(("queries", "keys"), [(4, 4), (4, 7), (1, 3), (1, 1)])
def test_absolute_places(queries: int, keys: int) -> None:
    x = torch.randn(5, queries, 2 * keys - 1)
    assert torch.equal(RelativeToAbsolute(queries, keys)(x), absolute(x))


@pytest.mark.parametrize(("queries", "keys"), [(4, 4), (8, 4), (3, 6), (1, 1)])
def test_rows_of_pairs(queries: int, keys: int) -> None:
    """Li et al. 2022, as `mvit.models.attention.get_rel_pos` has it."""
    rows = torch.randn(2, 2 * max(queries, keys) - 1, 3)
    wanted = torch.empty(2, queries, keys, 3)
    for query in range(queries):
        for key in range(keys):
            apart = query * max(keys / queries, 1) - key * max(queries / keys, 1)
            wanted[:, query, key] = rows[:, int(apart + (keys - 1) * max(queries / keys, 1))]
    assert torch.equal(RelativeRows(queries, keys)(rows), wanted)
