"""docs/api.md is what the docstrings say, and has every public name."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import archlab
from tests.api_reference import OPTIONS, RESULTS, api_reference

pytest.importorskip("matplotlib")

PAGE = Path(__file__).parent.parent / "docs" / "api.md"
ASIDE = {
    "Axes",
    "GraphModule",
    "Path",
    "Any",
    "Row",
    "Conditions",
    "Graph",
    "None",
    "DataFrame",
    "GivenInput",
    "Self",
    "WeightBytes",
    "View",
}
"""Types of other libraries, what only other parts of archlab take, and a widget, told where it is made."""


def test_the_page_is_up_to_date(request: pytest.FixtureRequest) -> None:
    text = api_reference()
    if request.config.getoption("--rewrite"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text


def test_it_has_every_public_name() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in set(archlab.__all__) - {"__version__"}:
        assert f"### `archlab.{name}`" in text or f"### `{name}`" in text, name
    for name in [name for name in vars(archlab.Network) if not name.startswith("_")]:
        assert f"`Network.{name}`" in text or not inspect.isfunction(vars(archlab.Network)[name]), name


def test_what_methods_of_networks_give_is_told() -> None:
    """A class that a public method names as its result has its own part, as has what stands behind `**`."""
    text = PAGE.read_text(encoding="utf-8")
    told = {*RESULTS, *OPTIONS, *archlab.__all__}
    given = set(re.findall(r"^(?:\w+\(.*\)|\)) -> (\w+)$", text, re.MULTILINE))
    given |= set(re.findall(r"\*\*\w+: (\w+)", text))
    ours = {name for name in given if name[0].isupper()} - ASIDE
    assert ours <= told, ours - told


def test_every_name_is_told_in_a_sentence() -> None:
    for part in re.split(r"^#{3,4} ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name, _, rest = part.partition("\n")
        words = re.sub(r"```py\n.*?```", "", rest, flags=re.DOTALL).strip()
        assert words, name
