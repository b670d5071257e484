"""Copied expansions of blocks are what another walk over the block would give."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from archlab.api.network import load, loads
from archlab.config.expand import use
from archlab.config.expand.copies import Copies, Expansion
from archlab.config.expand.names import Values
from archlab.diagnostics.problem import ConfigError
from archlab.graph import Graph
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

    plain = Copies.copy

    def counted(copies: Copies, made: Expansion, inputs: Values) -> Expansion:
        sizes.append(len(made.nodes))
        return plain(copies, made, inputs)

    monkeypatch.setattr(Copies, "copy", counted)
    return sizes


@contextmanager
def without_copies() -> Iterator[None]:
    """Every use of a block is walked."""
    unique = count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(use, "use_key", lambda *_: (next(unique),))
        yield


@pytest.mark.parametrize("name", preset_targets())
def test_copies_equal_walks(name: str) -> None:
    with_copies = described(load(name).graph)
    with without_copies():
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
    # each item is a line of its own in the trail; other channels enter the second one's first unit
    assert copied == [2] * (3 + 1 + 1 + 1)
    assert [node.shape[0] for node in graph.layers] == [4] * 8 + [8] * 14


def outcome(text: str) -> Any:
    """The nodes, or the problems."""
    try:
        return described(loads(text).graph)
    except ConfigError as error:
        return str(error)


def both_ways(text: str) -> Any:
    """The nodes, or the problems, which must be the same without copies."""
    found = outcome(text)
    with without_copies():
        assert outcome(text) == found
    return found


def test_an_option_that_differs_is_walked_again(copied: list[int]) -> None:
    nodes = both_ways(
        """
        input: [4, 16, 16]
        blocks:
          inner: {params: {x: }, layers: [{type: dropout, p: $(x / 10)}]}
          unit:
            params: {drop: , slope: 0.1}
            layers:
              - type: residual
                shortcut: project
                body:
                  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, norm: batch_norm2d}
                  - {type: leaky_relu, negative_slope: $slope, repeat: 2}
                  - {use: inner, x: 5}
                  - {type: stochastic_depth, p: $(drop / 10), mode: row}
        layers:
          - {type: conv2d, out_channels: 8, kernel_size: 1}
          - {name: units, use: unit, repeat: 4, drop: $index, slope: $(index + 1)}
        """
    )
    assert copied == [1] * 3  # the dropouts, whose trails are one
    drops = [node[3] for node in nodes if node[2] == "stochastic_depth"]
    assert drops == [f"StochasticDepth(p={p}, mode='row')" for p in (0.0, 0.1, 0.2, 0.3)]


def test_copies_of_copies_stand_where_they_belong(copied: list[int]) -> None:
    nodes = both_ways(
        """
        input: [4, 16, 16]
        blocks:
          inner:
            inputs: [a, b]
            outputs: [x, y]
            layers: [{name: x, from: a, type: relu}, {name: y, type: add, with: [b]}]
          outer:
            inputs: [a, b]
            layers:
              - {name: first, use: inner, with: [b], from: a, repeat: 2}
              - {name: none, use: inner, with: [b], repeat: 0}
              - {type: multiply, with: [first.0.x, first.y, none]}
        layers:
          - {name: stem, type: conv2d, out_channels: 4, kernel_size: 1}
          - {name: trunk, use: outer, with: [input], repeat: 3}
        """
    )
    assert copied == [2, 5, 5]
    assert [node[1] for node in nodes][-5:] == [
        *("trunk.2.first.0.x", "trunk.2.first.0.y", "trunk.2.first.1.x", "trunk.2.first.1.y", "trunk.2.mul")
    ]


@pytest.mark.parametrize(
    "rest", ["drop: $(index / 10)", "first: {drop: 0.5}", "first: {drop: 0.5, slope: 0.3}", "drop: null"]
)
def test_params_that_are_given_only_here_or_there(rest: str) -> None:
    layers = "[{type: leaky_relu, negative_slope: $slope}, {type: dropout, p: $drop}]"
    for default in ("0.2", ""):
        text = f"""
            input: [4, 16, 16]
            blocks: {{unit: {{params: {{drop: {default}, slope: 0.1}}, layers: {layers}}}}}
            layers: [{{name: units, use: unit, repeat: 4, {rest}}}]
        """
        both_ways(text)


def test_other_shapes_are_walked_again(copied: list[int]) -> None:
    path = "{type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}"
    nodes = both_ways(
        f"""
        input: [4, 16, 16]
        blocks: {{grow: {{layers: [{{type: branches, paths: [[], [{path}]]}}]}}}}
        layers: [{{use: grow, repeat: 4}}]
        """
    )
    assert copied == []
    assert [node[5][0] for node in nodes if node[2] == "concat"] == [12, 20, 28, 36]


@pytest.mark.parametrize(
    ("layers", "problem"),
    [
        ("{type: conv2d, out_channels: 4, kernel_size: 3, stride: 2}", "but the input has only 1"),
        ("{type: dropout, p: $(0.4 * (x + 1))}", "'p' must be at most 1, not the number 1.2"),
        ("{type: dropout, p: $(1 / (2 - x))}", "division by zero"),
    ],
)
def test_a_repetition_that_fails_gives_the_problem_of_the_walk(layers: str, problem: str) -> None:
    text = f"""
        input: [4, 16, 16]
        blocks: {{unit: {{params: {{x: }}, layers: [{layers}]}}}}
        layers: [{{name: units, use: unit, repeat: 5, x: $index}}]
    """
    found = both_ways(text)
    assert isinstance(found, str)
    assert problem in found
