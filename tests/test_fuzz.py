"""A short run of hostile configs; a long one: `python -m tests.fuzz --inputs 200000`."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import WORDS, fuzz, outcome, shown

KEYS = ("archlab", "name", "input", "params", "variants", "blocks", "layers", "outputs", "init", "expect", "extends")


AT_MOST = 30.0
"""Seconds, of any machine: that something holds an input's work is tested, not how fast it is."""


@pytest.mark.parametrize("inputs", [700, pytest.param(2_000, marks=pytest.mark.whole)])
def test_mutated_configs_give_graphs_or_problems(inputs: int) -> None:
    found = fuzz(inputs, seed=2026, most_seconds=AT_MOST)
    assert set(found) <= {"graph", "problems"}
    assert found["graph"] > 0


def test_an_editor_has_answers_for_mutated_configs() -> None:
    found = fuzz(200, seed=2027, outcome=shown, most_seconds=AT_MOST)
    assert set(found) == {"graph", "problems"}


scalars = st.sampled_from([*WORDS, "3", "[3, 8, 8]", "{a: 1}", "relu", "conv2d"])
ITEM_KEYS = st.sampled_from(["type", "use", "name", "body", "paths", "out_channels", "repeat"])


def flow_list(parts: list[str]) -> str:
    return f"[{', '.join(parts)}]"


def flow_mapping(pairs: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"


def collections(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.lists(inner, max_size=4).map(flow_list)
    return lists | st.dictionaries(ITEM_KEYS, inner, max_size=4).map(flow_mapping)


values = st.recursive(scalars, collections, max_leaves=12)
configs = st.dictionaries(st.sampled_from(KEYS), values, min_size=1, max_size=6).map(
    lambda pairs: "\n".join(f"{key}: {value}" for key, value in pairs.items())
)


@settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
@given(configs)
def test_any_yaml_under_our_keys(text: str) -> None:
    assert outcome(text) in ("graph", "problems")
