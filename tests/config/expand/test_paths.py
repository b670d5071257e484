"""Paths with keys of their own, splits, and all repetitions of an item."""

from __future__ import annotations

import pytest

from archlab.api.load import loads
from archlab.diagnostics.problem import ConfigError
from archlab.graph import Graph
from archlab.layers.describe import own_options
from tests.config.expand.test_copies import both_ways


def graph(layers: str, head: str = "") -> Graph:
    return loads(f"input: [16, 8, 8]\n{head}layers:\n{layers}").graph


def inputs(found: Graph, path: str) -> list[str]:
    (node,) = [node for node in found.nodes if node.path == path]
    return [found.nodes[source].path for source in node.inputs]


def test_paths_that_are_left_out_take_no_channels() -> None:
    found = graph("""
  - type: branches
    split: [4, 12]
    paths: [{type: relu}, {when: false, layers: [{type: tanh}]}, {type: sigmoid}]
""")
    assert [node.layer.type for node in found.layers] == ["narrow", "narrow", "relu", "sigmoid", "concat"]
    assert [node.shape[0] for node in found.layers] == [4, 12, 4, 12, 16]


def test_one_path_that_is_left_is_not_joined() -> None:
    found = graph("  - {type: branches, paths: [{type: relu}, {repeat: 0, layers: []}]}")
    assert [node.path for node in found.layers] == ["branch.relu"]


def test_names_of_paths() -> None:
    found = graph("""
  - name: mix
    type: branches
    paths:
      - {type: relu}
      - {name: deep, repeat: 2, layers: [{name: act, type: tanh}, {type: dropout, p: $(index / 10)}]}
      - {name: pool, layers: [{type: sigmoid}]}
      - {type: silu}
  - {type: concat, from: mix.pool, with: [mix.deep.*, mix.deep.*.act, mix.deep, mix]}
""")
    assert [node.path for node in found.layers][:-1] == [
        *("mix.branch1.relu", "mix.deep.0.act", "mix.deep.0.dropout", "mix.deep.1.act", "mix.deep.1.dropout"),
        *("mix.pool.sigmoid", "mix.branch2.silu", "mix.cat"),
    ]
    assert inputs(found, "cat") == [
        *("mix.pool.sigmoid", "mix.deep.0.dropout", "mix.deep.1.dropout", "mix.deep.0.act", "mix.deep.1.act"),
        *("mix.deep.1.dropout", "mix.cat"),
    ]


def test_all_repetitions_of_a_use_and_of_its_outputs() -> None:
    head = "blocks: {two: {inputs: [a], outputs: [x, y], layers: [{name: x, type: relu}, {name: y, type: tanh}]}}\n"
    found = graph(
        """
  - {name: u, use: two, repeat: 3}
  - {name: all, type: concat, from: u.*, with: [u.*.y, input]}
outputs: [u.*.x, all]
""",
        head,
    )
    assert inputs(found, "all") == ["u.0.x", "u.1.x", "u.2.x", "u.0.y", "u.1.y", "u.2.y", "input"]
    assert [label for label, _ in found.outputs] == ["u.0.x", "u.1.x", "u.2.x", "all"]


def test_no_repetitions_are_joined_to_nothing() -> None:
    found = graph("  - {name: y, type: relu, repeat: 0}\n  - {type: concat, with: [y.*]}\n  - {type: tanh}\n")
    assert [node.path for node in found.layers] == ["tanh"]


def test_as_many_repetitions_as_a_block_says_each_time() -> None:
    """One item joins two, then four values: what it makes of them is no other's."""
    nodes = both_ways("""
        input: [4, 8, 8]
        blocks:
          chain:
            params: {n: }
            layers:
              - {name: y, type: conv2d, out_channels: 4, kernel_size: 1, repeat: $n, last: {bias: false}}
              - {type: concat, from: y.*}
              - {type: conv2d, out_channels: 4, kernel_size: 1}
        layers:
          - {name: a, use: chain, n: "$(2 + 2 * (index % 2))", repeat: 4}
    """)
    assert [len(node[4]) for node in nodes if node[2] == "concat"] == [2, 4, 2, 4]
    assert [node[5][0] for node in nodes if node[2] == "concat"] == [8, 16, 8, 16]


def test_first_and_last_of_one_repetition() -> None:
    found = graph("""
  - {type: conv2d, out_channels: 4, kernel_size: 1, first: {stride: 2, groups: 2}, last: {groups: 4}}
  - {type: conv2d, out_channels: 4, kernel_size: 1, repeat: 2, first: {stride: 2}, last: {groups: 4}}
""")
    assert [own_options(node.layer) for node in found.layers] == [
        {"out_channels": 4, "kernel_size": (1, 1), "stride": (2, 2), "groups": 4},
        {"out_channels": 4, "kernel_size": (1, 1), "stride": (2, 2)},
        {"out_channels": 4, "kernel_size": (1, 1), "groups": 4},
    ]


@pytest.mark.parametrize(
    "layers",
    [
        "- {type: branches, paths: [{repeat: 1000000000, layers: []}]}",
        "- {name: y, type: relu, repeat: 900}\n- {type: concat, from: y.*, with: [" + "y.*, " * 490 + "y]}",
        "- {name: y, type: relu, repeat: 900}\n- {type: relu}\noutputs: [" + "y.*, " * 490 + "y]",
    ],
)
def test_bounds(layers: str) -> None:
    with pytest.raises(ConfigError) as caught:
        graph(layers)
    assert [problem.code for problem in caught.value.problems] == ["too-large"]
