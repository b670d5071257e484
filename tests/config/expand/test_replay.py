"""Copied expansions of blocks are what another walk over the block would give."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from archlab.api.network import load, loads
from archlab.config.expand import blocks
from archlab.config.expand.names import Value, Values
from archlab.config.expand.replay import Copier
from archlab.config.syntax.naming import PathScope
from archlab.diagnostics.problem import ConfigError
from archlab.graph import Graph
from archlab.layers.base import Layer
from archlab.zoo.rows import preset_targets


def described(graph: Graph) -> list[tuple[Any, ...]]:
    """Everything about each node; layers by their type and options."""
    return [
        (n.index, n.path, n.layer.type, repr(n.layer), n.inputs, n.shape, n.place, n.trail, n.zero_init, n.init)
        for n in graph.nodes
    ]


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many nodes each copy has."""
    sizes: list[int] = []

    plain = Copier.copy

    def counted(copier: Copier, layers: dict[int, Layer], scope: PathScope) -> tuple[dict[str, Value], Values]:
        made = plain(copier, layers, scope)
        sizes.append(len(copier.expansion.nodes))
        return made

    monkeypatch.setattr(Copier, "copy", counted)
    return sizes


@pytest.mark.parametrize("name", preset_targets())
def test_copies_equal_walks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_copies = described(load(name).graph)
    unique = count()
    monkeypatch.setattr(blocks, "replay_key", lambda *_: (next(unique),))
    assert described(load(name).graph) == with_copies


def test_only_uses_that_are_alike_are_copied(copied: list[int]) -> None:
    graph = loads("""
        input: [4, 16, 16]
        blocks:
          unit:
            params: {width: 4, scale: 1}
            layers:
              - {type: conv2d, out_channels: $(width * scale), kernel_size: 3, padding: 1, norm: batch_norm2d}
        layers:
          - {use: unit, repeat: 4}
          - {use: unit, repeat: 3, width: 8}
          - {use: unit, repeat: 2, width: 8, scale: true}
          - {use: unit, repeat: 2, width: 8, scale: 1}
    """).graph
    # each item is a line of its own in the trail
    assert copied == [2] * (3 + 2 + 1 + 1)
    assert [node.shape[0] for node in graph.layers] == [4] * 8 + [8] * 14


def both_ways(text: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The nodes, or the problems, which must be the same without copies."""
    found: list[object] = []
    for copies in (True, False):
        with monkeypatch.context() as patch:
            if not copies:
                unique = count()
                patch.setattr(blocks, "replay_key", lambda *_, unique=unique: (next(unique),))
            try:
                found.append(described(loads(text).graph))
            except ConfigError as error:
                found.append(str(error))
    assert found[0] == found[1]
    return found[0]


def test_an_option_that_differs_is_put_into_the_copy(copied: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = both_ways(
        """
        input: [4, 16, 16]
        blocks:
          unit:
            params: {drop: , slope: 0.1}
            layers:
              - type: residual
                shortcut: project
                body:
                  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, norm: batch_norm2d}
                  - {type: leaky_relu, negative_slope: $slope, repeat: 2}
                  - {type: stochastic_depth, p: $(drop / 10), mode: row}
        layers:
          - {type: conv2d, out_channels: 8, kernel_size: 1}
          - {name: units, use: unit, repeat: 4, drop: $index, slope: $(index + 1)}
        """,
        monkeypatch,
    )
    assert copied == [6] * 3
    drops = [node[3] for node in nodes if node[2] == "stochastic_depth"]
    assert drops == [f"StochasticDepth(p={p}, mode='row')" for p in (0.0, 0.1, 0.2, 0.3)]


@pytest.mark.parametrize(
    ("layer", "inner_copies"),
    [
        ("{type: conv2d, out_channels: 4, kernel_size: 3, padding: $x}", 0),
        ("{type: batch_norm2d, eps: $x}", 0),
        ("{type: conv2d, out_channels: 4, kernel_size: 1, activation: {type: leaky_relu, negative_slope: $x}}", 0),
        ("{type: dropout, p: 0.5, when: $(x > 1)}", 0),
        ("{type: dropout, p: 0.5, repeat: $x}", 0),
        ("{use: inner, x: $x}", 2),
    ],
)
def test_a_param_that_may_change_the_layers_is_walked_again(
    layer: str, inner_copies: int, copied: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = both_ways(
        f"""
        input: [4, 16, 16]
        blocks:
          inner: {{params: {{x: }}, layers: [{{type: dropout, p: $(x / 10)}}]}}
          unit: {{params: {{x: }}, layers: [{layer}, {{type: relu}}]}}
        layers:
          - {{use: unit, repeat: 3, x: $(index + 1)}}
        """,
        monkeypatch,
    )
    assert copied == [1] * inner_copies
    assert nodes[-1][2] == "relu"


@pytest.mark.parametrize(
    "rest", ["drop: $(index / 10)", "first: {drop: 0.5}", "first: {drop: 0.5, slope: 0.3}", "drop: null"]
)
def test_params_that_are_given_only_here_or_there(rest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = "[{type: leaky_relu, negative_slope: $slope}, {type: dropout, p: $drop}]"
    for default in ("0.2", ""):
        text = f"""
            input: [4, 16, 16]
            blocks: {{unit: {{params: {{drop: {default}, slope: 0.1}}, layers: {layers}}}}}
            layers: [{{name: units, use: unit, repeat: 4, {rest}}}]
        """
        both_ways(text, monkeypatch)


def test_blocks_that_do_not_look_at_shapes_are_copied_for_others(
    copied: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    block = "{params: {}, layers: [{type: branches, paths: [[], [{type: conv2d, out_channels: 8, kernel_size: 3}]]}]}"
    block = block.replace("kernel_size: 3", "kernel_size: 3, padding: 1, norm: batch_norm2d")
    text = f"""
        input: [4, 16, 16]
        blocks: {{grow: {block}}}
        layers: [{{use: grow, repeat: 4}}]
    """
    nodes = both_ways(text, monkeypatch)
    assert copied == [3] * 3
    assert [node[5][0] for node in nodes if node[2] == "concat"] == [12, 20, 28, 36]
    # half of what enters
    looking = text.replace("out_channels: 8", "out_channels: $(block_in // 2)")
    assert [node[5][0] for node in both_ways(looking, monkeypatch) if node[2] == "concat"] == [6, 9, 13, 19]
    assert len(copied) == 3


@pytest.mark.parametrize(
    ("layers", "problem"),
    [
        ("{type: conv2d, out_channels: 4, kernel_size: 3, stride: 2}", "but the input has only 1"),
        ("{type: dropout, p: $(0.4 * (x + 1))}", "'p' must be at most 1, not the number 1.2"),
        ("{type: dropout, p: $(1 / (2 - x))}", "division by zero"),
    ],
)
def test_a_copy_that_fails_gives_the_problem_of_the_walk(
    layers: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"""
        input: [4, 16, 16]
        blocks: {{unit: {{params: {{x: }}, layers: [{layers}]}}}}
        layers: [{{name: units, use: unit, repeat: 5, x: $index}}]
    """
    found = both_ways(text, monkeypatch)
    assert isinstance(found, str)
    assert problem in found
