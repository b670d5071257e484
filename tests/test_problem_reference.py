"""docs/problems.md is what the codes and the bad configs say."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from archlab.diagnostics.codes import Code
from tests.chunks import check_each
from tests.problem_reference import problem_reference

PAGE = Path(__file__).parents[1] / "docs" / "problems.md"


def test_the_page_is_up_to_date(request: pytest.FixtureRequest) -> None:
    text = problem_reference()
    if request.config.getoption("--rewrite"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text


def test_every_example_shows_its_code() -> None:
    check_each(list(Code), partial(check_example, PAGE.read_text(encoding="utf-8")))


def check_example(page: str, code: Code) -> None:
    section = page.partition(f"\n## {code}\n")[2].partition("\n## ")[0]
    assert f"  [{code}]\n" in section
    assert code.meaning.endswith(".")
