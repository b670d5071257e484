"""Blocks that use themselves: they end, are copied exactly, or are one problem."""

from __future__ import annotations

import pytest

from archlab.api.load import loads
from archlab.diagnostics.problem import ConfigError, told_trail
from tests.config.expand.test_copies import both_ways


def problems(text: str) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        loads(text)
    return [(problem.code, problem.message) for problem in caught.value.problems]


def twice(when: str, n: str = "$(n - 1)", start: int = 40, layers: str = "") -> str:
    """A block that uses itself twice."""
    use = f"{{use: twice, n: {n}, when: {when}}}"
    return f"""
        input: [4, 8, 8]
        blocks: {{twice: {{params: {{n: }}, layers: [{use}, {use}{layers}]}}}}
        layers: [{{use: twice, n: {start}}}, {{type: relu}}]
    """


def test_a_tree_of_layers_is_bounded() -> None:
    (problem,) = problems(twice("$(n > 1)", layers=", {type: relu}"))
    assert problem[0] == "too-large"


def test_a_tree_without_layers_is_bounded() -> None:
    ((code, message),) = problems(twice("$(n > 1)"))
    assert code == "too-large"
    assert " steps" in message


@pytest.mark.parametrize("n", ["$n", "$(n + 0)", "4"])
def test_what_comes_back_to_itself_is_told_at_once(n: str) -> None:
    ((code, message),) = problems(twice("true", n, start=4))
    assert code == "recursive-block"
    assert "with the same params and input" in message


def test_what_changes_for_ever_is_told_once() -> None:
    ((code, message),) = problems(twice("$(n != 0)", start=-1))
    assert code == "recursive-block"
    assert "deeper than 64 levels (twice -> twice)" in message


def test_another_shape_is_no_circle() -> None:
    """The map is halved until it is a single position."""
    network = loads("""
        input: [4, 64, 64]
        blocks:
          halve:
            layers:
              - {type: max_pool2d, kernel_size: 2}
              - {use: halve, when: "$(in_size[0] > 1)"}
        layers: [{use: halve}]
    """)
    assert [node.shape[1] for node in network.graph.layers] == [32, 16, 8, 4, 2, 1]
    assert network.graph.layers[2].path == "halve.halve.halve.maxpool"


def test_repeat_ends_it_too() -> None:
    network = loads("""
        input: [4, 8, 8]
        blocks: {nest: {params: {n: }, layers: [{type: relu}, {name: inner, use: nest, n: $(n - 1), repeat: $n}]}}
        layers: [{use: nest, n: 3}]
    """)
    assert len(network.graph.layers) == 1 + 3 * (1 + 2 * (1 + 1))


def test_copies_of_what_uses_itself_are_exact() -> None:
    nodes = both_ways("""
        input: [4, 8, 8]
        blocks:
          tree:
            params: {n: }
            inputs: [line, side]
            outputs: [sum, last]
            layers:
              - {name: left, use: tree, n: $(n - 1), from: line, with: [side], when: $(n > 1), repeat: 2}
              - {name: sum, type: add, with: [side]}
              - {name: last, type: conv2d, out_channels: $(4 + 0 * n), kernel_size: 1}
        layers:
          - {name: stem, type: conv2d, out_channels: 4, kernel_size: 1}
          - {name: trees, use: tree, n: 4, with: [input], repeat: 2}
        outputs: [trees.last]
    """)
    assert isinstance(nodes, list), nodes
    assert len(nodes) > 20


def test_a_circle_of_unknown_inputs_is_no_second_problem() -> None:
    text = """
        input: [4, 8, 8]
        blocks: {nest: {layers: [{type: max_pool2d, kernel_size: 9}, {use: nest}]}}
        layers: [{use: nest}]
    """
    assert [code for code, _ in problems(text)] == ["shape"]


def test_a_long_trail_is_told_in_few_lines() -> None:
    assert told_trail(("a", "b", "b", "b", "c")) == ("a", "b (3 times)", "c")
    lines = told_trail(tuple(str(number % 2) for number in range(64)))
    assert len(lines) == 13
    assert lines[6] == "... (52 more)"
