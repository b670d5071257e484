"""An item whose `when` is false is not there: everything else is as in the config without its line."""

from __future__ import annotations

import pytest

from archlab.api.load import loads
from archlab.diagnostics.problem import ConfigError

HEAD = """
input: [4, 16, 16]
params: {off: false}
blocks:
  unit: {layers: [{type: conv2d, out_channels: 4, kernel_size: 1}, {type: relu}]}
  pair:
    inputs: [x, y]
    layers: [{name: p, from: x, type: sigmoid}, {name: q, from: y, type: tanh}]
    outputs: [p, q]
"""
LAYERS = "layers:\n"
STEM = "  - {name: stem, type: relu}\n  - {name: deep, type: sigmoid}\n"
END = "  - {name: end, type: add, with: [stem]}\n"

LEFT_OUT = [
    "{name: extra, from: stem, type: conv2d, out_channels: 4, kernel_size: 1, when: $off}",
    "{name: extra, from: input, type: conv2d, out_channels: 9, kernel_size: 1, when: $off, repeat: 3}",
    "{name: extra, from: stem, use: unit, when: $off}",
    "{name: extra, from: stem, use: unit, when: $off, repeat: 2}",
    "{name: extra, from: input, use: pair, with: [stem], when: $off}",
    "{name: extra, from: stem, type: add, with: [input], when: $off}",
    "{from: stem, type: residual, body: [{type: tanh}], when: $off}",
    "{name: extra, from: stem, type: branches, paths: [[], []], when: $off}",
    "{from: stem, type: relu, when: $(in_channels > 4)}",
]


def wiring(text: str) -> list[tuple[str, str, tuple[str, ...]]]:
    graph = loads(text).graph
    return [
        (node.path, node.layer.type, tuple([graph.nodes[i].path for i in node.inputs]))
        for node in (*graph.layers, *[graph.nodes[index] for _, index in graph.outputs])
    ]


@pytest.mark.parametrize("item", LEFT_OUT)
def test_the_line_below_reads_the_line_above(item: str) -> None:
    assert wiring(f"{HEAD}{LAYERS}{STEM}  - {item}\n{END}") == wiring(f"{HEAD}{LAYERS}{STEM}{END}")


@pytest.mark.parametrize("item", LEFT_OUT)
def test_in_a_residual_a_path_and_a_block(item: str) -> None:
    item = item.replace("name: extra, ", "")
    for around in (
        "  - {{type: residual, body: [{0}{{type: tanh}}]}}\n",
        "  - {{type: residual, body: [{{type: tanh}}{1}]}}\n",
        "  - {{type: branches, paths: [[{0}{{type: tanh}}], [{{type: elu}}{1}]]}}\n",
    ):
        without = around.format("", "")
        assert wiring(HEAD + LAYERS + STEM + around.format(f"{item}, ", f", {item}")) == wiring(
            HEAD + LAYERS + STEM + without
        )
    item = item.replace("from: input", "from: stem").replace("[input]", "[stem]")  # a block sees its own inputs only
    for first, last in ((f"{item}, ", ""), ("", f", {item}")):
        use = "layers: [{type: elu}, {use: own}]\n"
        block = "  own: {inputs: [stem], layers: [%s{type: tanh}%s]}\n"
        assert wiring(HEAD + block % (first, last) + use) == wiring(HEAD + block % ("", "") + use)


@pytest.mark.parametrize("item", LEFT_OUT)
def test_as_the_first_and_the_last_line(item: str) -> None:
    item = item.replace("from: stem", "from: input").replace("with: [stem]", "with: [input]")
    assert wiring(f"{HEAD}{LAYERS}  - {item}\n{STEM}") == wiring(HEAD + LAYERS + STEM)
    assert wiring(f"{HEAD}{LAYERS}{STEM}  - {item}\n") == wiring(HEAD + LAYERS + STEM)


def test_what_reads_a_left_out_item_can_be_left_out_with_it() -> None:
    both = "  - {name: extra, type: relu, when: $off}\n  - {from: extra, type: add, with: [extra], when: $off}\n"
    assert wiring(HEAD + LAYERS + STEM + both + END) == wiring(HEAD + LAYERS + STEM + END)


def test_a_name_left_out_in_a_list_is_that_of_the_list_around_it() -> None:
    body = "  - type: residual\n    name: r\n    body:\n"
    inner = "      - {name: stem, type: elu, when: $off}\n"
    rest = "      - {type: tanh}\n      - {type: add, with: [stem]}\n"
    assert wiring(HEAD + LAYERS + STEM + body + inner + rest) == wiring(HEAD + LAYERS + STEM + body + rest)


def test_no_repetition_hands_on_what_enters() -> None:
    item = "  - {name: extra, from: stem, use: unit, repeat: 0}\n"
    assert wiring(f"{HEAD}{LAYERS}{STEM}{item}  - {{type: add, with: [deep]}}\n")[-1][2] == ("stem", "deep")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("  - {from: extra, type: relu}\n", "'extra' is left out here, since its 'when' is false; give this line"),
        ("  - {type: add, with: [extra]}\n", "'extra' is left out here, since its 'when' is false; give this line"),
        ("  - {type: add, with: [extra.0.relu]}\n", "'extra' is left out here"),
        ("  - {from: extra, type: relu, when: $(in_channels > 1)}\n", "'extra' is left out here"),
        ("outputs: [stem, extra]\n", "'extra' is left out here, since its 'when' is false; a variant can carry"),
        ("outputs: {out: extra.1}\n", "'extra' is left out here"),
    ],
)
def test_a_name_that_is_not_there(lines: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(f"{HEAD}{LAYERS}{STEM}  - {{name: extra, use: unit, repeat: 2, when: $off}}\n{lines}")
    assert [said in problem.message for problem in caught.value.problems] == [True]


def test_an_output_of_a_block_that_is_not_there() -> None:
    block = "  own: {layers: [{name: a, type: relu, when: $off}, {name: b, type: tanh}], outputs: [b, a]}\n"
    with pytest.raises(ConfigError, match="'a' is left out here, since its 'when' is false; a block has all its outp"):
        loads(HEAD + block + "layers: [{use: own}]")
