"""docs/layers.md is what the layer classes say."""

from __future__ import annotations

from pathlib import Path

import pytest

from archlab.layers import layer_types
from tests.layer_reference import layer_reference

PAGE = Path(__file__).parent.parent / "docs" / "layers.md"


def test_the_page_is_up_to_date(request: pytest.FixtureRequest) -> None:
    text = layer_reference()
    if request.config.getoption("--rewrite"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text


def test_it_has_every_layer() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"\n### {name}\n" in text or f"`{name}`" in text for name in layer_types())
