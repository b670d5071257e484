"""The tree of items: read once, each with its place; what is wrong is told only where the network comes by."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from archlab.api.load import load, loads
from archlab.config.expand.network import expand
from archlab.config.tree import reader
from archlab.config.tree.document import Document
from archlab.config.tree.items import (
    BranchesItem,
    BrokenItem,
    LayerItem,
    ResidualItem,
    UseItem,
    all_items,
)
from archlab.config.tree.targets import open_target, read_document
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError, Problems

TEXT = """\
input: [4, 8, 8]
blocks:
  unit: {params: {width: 4, p: }, layers: [{name: inner, type: relu}]}
layers:
  - {name: stem, type: conv2d, out_channels: $(2 * 2), kernel_size: 1, repeat: 2, first: {bias: false}}
  - type: residual
    shortcut: [{type: tanh}]
    body: [{name: a, type: relu}, {use: unit, p: 1}]
  - {type: branches, paths: [[], {name: b, type: relu}]}
  - {name: odd, type: relu, first: 3}
"""


def document(text: str = TEXT) -> Document:
    return read_document(Source("<x>", text), "x")[0]


def test_items_by_their_kinds_and_places() -> None:
    read = document()
    assert read.layers is not None
    stem, residual, branches, odd = read.layers.items
    assert isinstance(stem, LayerItem)
    assert (stem.name, stem.place.line, stem.is_plain) == ("stem", 4, False)
    assert [*stem.arguments.named] == ["out_channels", "kernel_size"]
    assert [*stem.opening.named] == ["out_channels", "kernel_size", "bias"]
    assert stem.opening.constants is None
    assert isinstance(residual, ResidualItem)
    assert residual.is_shortcut_first
    assert [type(item) for part in residual.lists for item in part.items] == [LayerItem, LayerItem, UseItem]
    assert isinstance(branches, BranchesItem)
    assert [len(path.items) for path in branches.lists] == [0, 1]
    assert isinstance(odd, BrokenItem)
    assert (odd.name, odd.place.line, odd.error.code) == ("odd", 9, "wrong-type")
    assert [item.name for item in all_items(read.layers) if item.name] == ["stem", "a", "b", "odd"]
    assert read.names == {"stem", "a", "b", "odd", "inner"}
    unit = read.blocks["unit"]
    assert {name: param.is_null for name, param in unit.params.items()} == {"width": False, "p": True}
    assert unit.place.line == 2


def test_an_alias_is_the_item_of_its_anchor() -> None:
    read = document("input: [4, 8, 8]\nlayers:\n- &a {type: relu}\n- {type: residual, body: [*a]}\n- *a\n")
    assert read.layers is not None
    first, residual, last = read.layers.items
    assert first is last
    assert residual.lists[0].items == (first,)


def test_items_are_read_once_for_all_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    family, _, problems = open_target("resnet")
    monkeypatch.setattr(reader, "_make", None)
    for variant in family.variants.values():
        assert expand(family, variant, {}, Problems(list(problems.found))).nodes


def test_a_mistake_where_nothing_comes_by_is_no_problem() -> None:
    broken = "{type: residual, body: 3}"
    unused = f"input: [4, 8, 8]\nblocks: {{b: {{layers: [{broken}, {{}}, 7]}}}}\nlayers: [{{type: relu}}]\n"
    assert len(loads(unused).graph.layers) == 1
    left_out = "input: [4, 8, 8]\nlayers: [{type: relu}, {type: residual, body: 3, when: false}]\n"
    assert len(loads(left_out).graph.layers) == 1
    with pytest.raises(ConfigError) as caught:
        loads(unused.replace("[{type: relu}]", "[{use: b}]"))
    assert [problem.code for problem in caught.value.problems] == ["wrong-type", "missing", "wrong-type"]


def test_hints_are_looked_for_only_where_they_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def noted(word: str, _known: object) -> str:
        asked.append(word)
        return ""

    monkeypatch.setattr(reader, "did_you_mean", noted)
    items = ", ".join(["{typ: relu}", "{type: residual, bdy: []}"] * 500)
    text = f"input: [4, 8, 8]\nblocks: {{b: {{layers: [{items}]}}}}\nlayers: [{{typo: relu}}]\n"
    with pytest.raises(ConfigError):
        loads(text)
    assert asked == ["typo"]


def test_nodes_are_frozen() -> None:
    node = load("resnet18").graph.nodes[1]
    with pytest.raises(FrozenInstanceError):
        node.path = "other"  # type: ignore[misc]
