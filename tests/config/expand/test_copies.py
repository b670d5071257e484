"""Copied expansions of blocks are what another walk over the block would give."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from archlab.api.load import load, loads
from archlab.config.expand.copies import Change, Copies, Expansion
from archlab.config.expand.names import Values
from archlab.diagnostics.problem import ConfigError
from archlab.graph import Graph
from tests import presets
from tests.presets import nodes_of


def described(graph: Graph) -> list[tuple[Any, ...]]:
    """Everything about each node, and where it came from."""
    return [(*node, n.place, n.trail) for node, n in zip(nodes_of(graph), graph.nodes, strict=True)]


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many nodes each copy has."""
    sizes: list[int] = []

    plain = Copies.copy

    def counted(copies: Copies, made: Expansion, inputs: Values, change: Change | None = None) -> Expansion:
        copy = plain(copies, made, inputs, change)
        sizes.append(len(copy.nodes))
        return copy

    monkeypatch.setattr(Copies, "copy", counted)
    return sizes


@contextmanager
def without_copies() -> Iterator[None]:
    """Every use of a block is walked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Copies, "find", lambda *_: None)
        yield


@pytest.mark.parametrize("name", presets.each())
def test_copies_equal_walks(name: str) -> None:
    with_copies = described(presets.network(name).graph)
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
    # each item is a line of its own in the trail
    assert copied == [2] * (3 + 2 + 1 + 1)
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


def test_an_option_that_differs_is_put_into_the_copy(copied: list[int]) -> None:
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
                  - {type: leaky_relu, negative_slope: $slope}
                  - {use: inner, x: 5}
                  - {type: stochastic_depth, p: $(drop / 10), mode: row}
        layers:
          - {type: conv2d, out_channels: 8, kernel_size: 1}
          - {name: units, use: unit, repeat: 4, drop: $index, slope: $(index + 1)}
        """
    )
    assert copied == [6] * 3
    slopes = [node[3] for node in nodes if node[2] == "leaky_relu"]
    assert slopes == [f"LeakyReLU(inplace=False, negative_slope={slope})" for slope in (1.0, 2.0, 3.0, 4.0)]
    drops = [node[3] for node in nodes if node[2] == "stochastic_depth"]
    assert drops == [f"StochasticDepth(p={p}, mode='row')" for p in (0.0, 0.1, 0.2, 0.3)]


@pytest.mark.parametrize(
    ("layer", "inner_copies"),
    [
        ("{type: conv2d, out_channels: 4, kernel_size: 3, padding: $x}", 0),
        ("{type: batch_norm2d, eps: $x}", 0),
        ("{type: conv2d, out_channels: 4, kernel_size: 1, activation: {type: leaky_relu, negative_slope: $x}}", 0),
        ("{type: squeeze_excitation, squeeze_channels: $x}", 0),
        ("{type: dropout, p: 0.5, when: $(x > 1)}", 0),
        ("{type: dropout, p: 0.5, repeat: $x}", 0),
        ("{type: leaky_relu, negative_slope: $x, repeat: 2}", 0),
        ("{type: leaky_relu, negative_slope: $(x + in_channels)}", 0),
        ("{type: leaky_relu, negative_slope: 0.1, first: {negative_slope: $x}, repeat: 1}", 0),
        ("{type: prelu, init: {weight: {type: constant, val: $x}}}", 0),
        ("{type: residual, shortcut: $('identity' if x else 'project'), body: []}", 0),
        ("{type: branches, merge: $('add' if x else 'concat'), paths: [[], []]}", 0),
        ("{type: branches, merge: add, paths: [[], {repeat: $x, layers: [{type: tanh}]}]}", 0),
        ("{type: branches, merge: add, paths: [[], {when: $(x > 2), layers: [{type: tanh}]}]}", 0),
        ("{type: branches, merge: add, paths: [{repeat: 2, layers: [{type: dropout, p: $(x * index / 9)}]}]}", 0),
        ("{type: $('relu' if x else 'silu')}", 0),
        ("{use: inner, x: $x}", 2),
    ],
)
def test_a_param_that_may_change_the_layers_is_walked_again(layer: str, inner_copies: int, copied: list[int]) -> None:
    nodes = both_ways(
        """
        input: [4, 16, 16]
        blocks:
          inner: {params: {x: }, layers: [{type: dropout, p: $(x / 10)}]}
          unit: {params: {x: }, layers: ["LAYER", {type: relu}]}
        layers:
          - {use: unit, repeat: 3, x: $(index + 1)}
        """.replace('"LAYER"', layer)
    )
    assert copied == [1] * inner_copies
    assert nodes[-1][2] == "relu"


def test_a_param_of_a_block_inside_is_not_mistaken_for_that_around_it() -> None:
    nodes = both_ways(
        """
        input: [4, 16, 16]
        blocks:
          inner: {params: {p: 0.5}, layers: [&drop {type: dropout, p: $p}]}
          unit: {params: {p: }, layers: [{use: inner}, *drop]}
        layers:
          - {use: unit, repeat: 3, p: $(index / 10)}
        """
    )
    assert [node[3][10:13] for node in nodes[1:]] == ["0.5", "0.0", "0.5", "0.1", "0.5", "0.2"]


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


def test_blocks_that_do_not_look_at_shapes_are_copied_for_others(copied: list[int]) -> None:
    path = "{type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, norm: batch_norm2d}"
    text = f"""
        input: [4, 16, 16]
        blocks: {{grow: {{layers: [{{type: branches, paths: [[], [{path}]]}}]}}}}
        layers: [{{use: grow, repeat: 4}}]
    """
    nodes = both_ways(text)
    assert copied == [3] * 3
    assert [node[5][0] for node in nodes if node[2] == "concat"] == [12, 20, 28, 36]


@pytest.mark.parametrize(
    ("path", "channels"),
    [
        ("{type: conv2d, out_channels: $(block_in // 2), kernel_size: 1}", [6, 9, 13, 19]),
        ("{type: conv2d, out_channels: $(in_channels // 2), kernel_size: 1}", [6, 9, 13, 19]),
        ("{type: depthwise_conv2d, kernel_size: 3, padding: 1}", [8, 16, 32, 64]),
        ("{type: residual, body: [{type: relu}]}", [8, 16, 32, 64]),
        ("{type: branches, split: true, paths: [[], []]}", [8, 16, 32, 64]),
    ],
)
def test_blocks_that_look_at_shapes_are_walked_for_others(path: str, channels: list[int], copied: list[int]) -> None:
    nodes = both_ways(
        f"""
        input: [4, 16, 16]
        blocks: {{grow: {{layers: [{{name: two, type: branches, paths: [[], [{path}]]}}]}}}}
        layers: [{{use: grow, repeat: 4}}]
        """
    )
    assert copied == []
    assert [node[5][0] for node in nodes if node[1].endswith("two.cat")] == channels


def test_a_param_named_as_python_reads_it_counts(copied: list[int]) -> None:
    both_ways(
        """
        input: [4, 16, 16]
        blocks: {unit: {params: {x: 1}, layers: [{type: conv2d, out_channels: "$(\uff58 * 4)", kernel_size: 1}]}}
        layers: [{use: unit, repeat: 2, x: $(index + 1)}]
        """
    )
    assert copied == []


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
