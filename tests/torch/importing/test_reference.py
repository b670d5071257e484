"""docs/import.md says what is recognised as the rules do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torch.importing.reference import between, tables

PAGE = Path(__file__).parents[3] / "docs" / "import.md"


def test_the_tables_are_those_of_the_rules(request: pytest.FixtureRequest) -> None:
    text, made = PAGE.read_text(encoding="utf-8"), tables()
    if request.config.getoption("--rewrite"):
        text = text.replace(between(text), made)
        PAGE.write_text(text, encoding="utf-8")
    assert between(text) == made
