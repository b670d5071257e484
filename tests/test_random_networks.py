"""Random networks against PyTorch: shapes, params, MACs, and the exact input positions that units read."""

from __future__ import annotations

import pytest

from archlab.diagnostics.problem import ConfigError
from tests.random_backbones import differences
from tests.random_networks import disagreements, drawn
from tests.random_text import mentioned

SEEDS_A_TEST = 10


@pytest.mark.parametrize("first", range(0, 200, SEEDS_A_TEST))
def test_random_networks_agree_with_pytorch(first: int) -> None:
    for seed in range(first, first + SEEDS_A_TEST):
        maker = drawn(seed)
        assert maker.last is not None
        assert not disagreements(maker), f"seed {seed}\n{maker.last.document.source.text}"


@pytest.mark.parametrize("edit", ["a layer less", "another argument"])
def test_a_backbone_that_is_another_network_is_noticed(edit: str) -> None:
    """The comparison with the layers written out is one that can fail."""
    found = 0
    for seed in range(60):
        maker = drawn(seed)
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
