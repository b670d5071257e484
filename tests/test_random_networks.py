"""Random networks against PyTorch: shapes, params, MACs, and the exact input positions that units read."""

from __future__ import annotations

import re
from copy import copy

import pytest

from archlab.diagnostics.problem import ConfigError
from archlab.layers import layer_types
from tests.random_backbones import differences
from tests.random_networks import NOT_DRAWN, disagreements, drawn, types_of
from tests.random_text import mentioned

HOLDING_ALL = (
    *(3, 4, 8, 15, 19, 21, 22, 23, 29, 31, 32, 50, 54, 55, 56, 72, 80, 96, 97, 119, 129, 132, 133, 135, 141, 151, 164),
    *(216, 228, 246, 854),
)
"""Seeds that hold every type of layer together: draw more, and pick others, where draws change."""
SEEDS_A_TEST = 10
OTHERS = tuple([seed for seed in range(200) if seed not in HOLDING_ALL])
RUN = 30
"""How many of the others are drawn in every run; those behind them for `pytest --whole`."""


@pytest.mark.parametrize(
    "seeds",
    [
        *[HOLDING_ALL[first::3] for first in range(3)],
        *[OTHERS[first : first + SEEDS_A_TEST] for first in range(0, RUN, SEEDS_A_TEST)],
        *[
            pytest.param(OTHERS[first : first + SEEDS_A_TEST], marks=pytest.mark.whole)
            for first in range(RUN, len(OTHERS), SEEDS_A_TEST)
        ],
    ],
    ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}",
)
def test_random_networks_agree_with_pytorch(seeds: tuple[int, ...]) -> None:
    for seed in seeds:
        maker = drawn(seed)
        assert maker.last is not None
        assert not disagreements(maker), f"seed {seed}\n{maker.last.document.source.text}"


def test_every_type_of_layer_is_drawn() -> None:
    """Those of one and three axes are families with those of two, which are drawn with a rank of its own."""
    found = set[str]().union(*[types_of(drawn(seed)) for seed in HOLDING_ALL])
    every = {re.sub(r"[13]d\Z", "2d", name) for name in layer_types()}
    assert not every - found - NOT_DRAWN.keys()
    assert not found & NOT_DRAWN.keys()
    assert every > NOT_DRAWN.keys()


@pytest.mark.parametrize("edit", ["a layer less", "another argument"])
def test_a_backbone_that_is_another_network_is_noticed(edit: str) -> None:
    """The comparison with the layers written out is one that can fail."""
    found = 0
    for seed in range(60):
        maker = copy(drawn(seed))
        if maker.backbone is None or maker.last is None:
            continue
        items, outputs = [*maker.backbone.items], maker.backbone.outputs
        if edit == "a layer less":
            items = [item for item in items if item["name"] in outputs or {*mentioned(items)} & {item["name"]}]
        else:
            items = [{**item, "bias": False} if item.get("type", "").startswith("conv") else item for item in items]
        maker.backbone = maker.backbone._replace(items=items)
        try:
            written = maker.written_out()
        except (ConfigError, ValueError):
            continue
        if written is not None:
            found += bool(differences(maker.last.graph, written.graph))
    assert found >= 3
