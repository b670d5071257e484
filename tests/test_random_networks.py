"""Random networks against PyTorch: shapes, params, MACs, and the exact input positions that units read."""

from __future__ import annotations

import pytest

from tests.random_networks import disagreements, random_network

SEEDS_A_TEST = 25


@pytest.mark.parametrize("first", range(0, 300, SEEDS_A_TEST))
def test_random_networks_agree_with_pytorch(first: int) -> None:
    for seed in range(first, first + SEEDS_A_TEST):
        network = random_network(seed)
        assert not disagreements(network), f"seed {seed}\n{network.document.source.text}"
