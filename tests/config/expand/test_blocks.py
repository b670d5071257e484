"""Blocks with several inputs and outputs: which value goes where, compared with the same network written out."""

from __future__ import annotations

from archlab.api.load import loads
from archlab.graph import Graph

TWO_ROADS = """
input: [4, 16, 16]
blocks:
  cross:
    inputs: [fine, coarse]
    layers:
      - {name: down, type: conv2d, out_channels: 6, kernel_size: 3, stride: 2, padding: 1}
      - {name: up, from: coarse, type: conv_transpose2d, out_channels: 4, kernel_size: 2, stride: 2}
      - {name: more, type: add, with: [fine]}
      - {name: less, from: down, type: add, with: [coarse]}
    outputs: [more, less]
layers:
  - {name: top, type: relu}
  - {name: bottom, type: conv2d, out_channels: 6, kernel_size: 2, stride: 2}
"""

ONE_CROSSING = """
  - {name: a, use: cross, from: top, with: [bottom]}
outputs: [a.more, a.less]
"""


def wiring(graph: Graph) -> list[tuple[str, tuple[str, ...]]]:
    """Each layer and what it reads."""
    return [(node.path, tuple([graph.nodes[i].path or "input" for i in node.inputs])) for node in graph.layers]


def test_inputs_are_the_line_above_and_those_of_with() -> None:
    graph = loads(TWO_ROADS + ONE_CROSSING).graph
    assert wiring(graph)[2:] == [
        ("a.down", ("top",)),
        ("a.up", ("bottom",)),
        ("a.more", ("a.up", "top")),
        ("a.less", ("a.down", "bottom")),
    ]
    assert graph.nodes[graph.outputs[0][1]].path == "a.more"


def test_outputs_are_named_after_the_item() -> None:
    lines = "  - {name: a, use: cross, from: top, with: [bottom]}\n  - {name: b, type: relu, from: a.less}\n"
    graph = loads(TWO_ROADS + lines + "outputs: [a, b]\n").graph
    assert wiring(graph)[-1] == ("b", ("a.less",))
    assert [graph.nodes[index].path for _, index in graph.outputs] == ["a.more", "b"]


def test_outputs_of_a_repetition_enter_the_next() -> None:
    lines = "  - {name: a, use: cross, repeat: 3, from: top, with: [bottom]}\noutputs: [a.more, a.less, a.1.less]\n"
    graph = loads(TWO_ROADS + lines).graph
    reads = dict(wiring(graph))
    assert reads["a.2.down"] == ("a.1.more",)
    assert reads["a.2.up"] == ("a.1.less",)
    assert [graph.nodes[index].path for _, index in graph.outputs] == ["a.2.more", "a.2.less", "a.1.less"]


def test_no_repetition_hands_the_inputs_on() -> None:
    lines = "  - {name: a, use: cross, repeat: 0, from: top, with: [bottom]}\noutputs: [a.more, a.less]\n"
    graph = loads(TWO_ROADS + lines).graph
    assert [graph.nodes[index].path for _, index in graph.outputs] == ["top", "bottom"]


def test_no_repetition_of_a_block_that_depends_on_the_repetition() -> None:
    lines = "  - {name: a, use: $('cross' if index == 0 else 'other'), repeat: 0, from: top, with: [bottom]}\n"
    graph = loads(TWO_ROADS + lines + "outputs: [a, a.less]\n").graph
    assert [graph.nodes[index].path for _, index in graph.outputs] == ["top", "bottom"]


def test_an_input_without_an_output_stays() -> None:
    graph = loads("""
        input: [4, 16, 16]
        blocks:
          gated:
            inputs: [x, gate]
            layers:
              - {name: conv, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}
              - {type: multiply, with: [gate]}
        layers:
          - {name: top, type: relu}
          - {name: gate, type: sigmoid}
          - {name: a, use: gated, repeat: 2, from: top, with: gate}
    """).graph
    assert dict(wiring(graph))["a.1.mul"] == ("a.1.conv", "gate")


def test_one_input_can_be_named_too() -> None:
    graph = loads("""
        input: [4, 16, 16]
        blocks:
          dense:
            inputs: x
            layers:
              - {name: conv, type: conv2d, out_channels: $block_in, kernel_size: 3, padding: 1}
              - {from: x, type: concat, with: [conv]}
        layers:
          - {name: a, use: dense, repeat: 2}
    """).graph
    assert dict(wiring(graph))["a.1.cat"] == ("a.0.cat", "a.1.conv")
    assert graph.nodes[-1].shape == (16, 16, 16)


def test_block_in_is_the_first_input() -> None:
    config = TWO_ROADS.replace("out_channels: 6, kernel_size: 3", "out_channels: $(block_in + 2), kernel_size: 3")
    graph = loads(config + ONE_CROSSING).graph
    assert graph.nodes[3].shape == (6, 8, 8)


PASSED_ON = """
input: [4, 16, 16]
blocks:
  cell:
    inputs: [right, left]
    layers: [{name: y, type: add, with: [left]}]
    outputs: [y, right]
  around:
    inputs: [a, b]
    layers: [{name: c, use: cell, with: [b]}, {type: tanh}]
layers:
  - {name: s, type: sigmoid}
"""


def test_an_output_that_is_an_input_passed_on() -> None:
    graph = loads(PASSED_ON + "  - {name: c, use: cell, with: [input]}\n  - {type: add, with: [c.right, c.y]}\n").graph
    assert wiring(graph)[-1] == ("add", ("c.y", "s", "c.y"))


def test_an_output_passed_on_by_each_repetition_and_by_copies() -> None:
    uses = "  - {name: c, use: cell, with: [input], repeat: 3}\n  - {name: d, use: cell, with: [input]}\n"
    graph = loads(PASSED_ON + uses + "  - {type: add, with: [c.0.right, c.2.right, c.right, d.right]}\n").graph
    assert wiring(graph)[-1][1] == ("d.y", "s", "c.1.y", "c.1.y", "c.2.y")


def test_an_output_passed_on_inside_a_block() -> None:
    lines = "  - {name: n, use: around, with: [input], repeat: 2}\n  - {type: add, with: [n.0.c.right, n.1.c.right]}\n"
    assert wiring(loads(PASSED_ON + lines).graph)[-1][1] == ("n.1.tanh", "s", "n.0.tanh")
