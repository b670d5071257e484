"""Every rule finds something in the one of its examples and nothing in the other; docs/lint.md is made from them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archlab.api.lint import chosen_rules, lint
from archlab.diagnostics.problem import ConfigError
from archlab.lint.rules import RULES
from tests.lint.reference import lint_table

PAGE = Path(__file__).parents[2] / "docs" / "lint.md"


def found(tmp_path: Path, text: str, *rules: str) -> list[str]:
    """The messages of rules (of all, by default), each with the rule's name in front."""
    path = tmp_path / "net.yaml"
    path.write_text(text)
    result = lint(str(path), chosen_rules(rules))
    return [f"{problem.code}: {problem.message}" for problem in result.problems]


@pytest.mark.parametrize("name", RULES)
def test_a_rule_finds_what_its_example_shows(name: str, tmp_path: Path) -> None:
    assert [text.partition(": ")[0] for text in found(tmp_path, RULES[name].triggers, name)] in ([name], [name] * 2)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_finds_nothing_in_its_mended_example(name: str, tmp_path: Path) -> None:
    assert found(tmp_path, RULES[name].passes, name) == []


@pytest.mark.parametrize("name", RULES)
def test_a_rule_says_what_why_and_from_where(name: str) -> None:
    rule = RULES[name]
    assert rule.name == name == rule.name.lower()
    assert rule.name.meaning.endswith(".")
    assert rule.reason.endswith(".")
    assert re.search(r"\b(19|20)\d\d\b|NVIDIA", rule.source)


def test_the_page_has_the_table_of_the_rules(request: pytest.FixtureRequest) -> None:
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition("<!-- rules -->\n")
    tail = rest.partition("<!-- end of rules -->\n")[2]
    made = f"{head}<!-- rules -->\n{lint_table()}<!-- end of rules -->\n{tail}"
    if request.config.getoption("--rewrite"):
        PAGE.write_text(made, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == made


def test_a_rule_that_there_is_not() -> None:
    with pytest.raises(ConfigError, match="no rule 'griding'; did you mean 'gridding'"):
        chosen_rules(["griding"])
    with pytest.raises(ConfigError, match="no rule 'zzz'; there are gridding, "):
        chosen_rules(off=["zzz"])


def conv(options: str) -> str:
    return f"{{type: conv2d, out_channels: 8, {options}}}"


def network(*layers: str, size: int = 32, head: str = "") -> str:
    lines = "".join([f"  - {layer}\n" for layer in layers])
    return f"{head}input: [8, {size}, {size}]\nlayers:\n{lines}"


FLAT = ("{type: adaptive_avg_pool2d, output_size: 1}", "{type: flatten}")
QUIET = {
    "gridding": network(  # holes that a later layer fills
        conv("kernel_size: 3, dilation: 2"), conv("kernel_size: 3")
    ),
    "beyond-input": network(*[conv("kernel_size: 3, padding: 1")] * 6, size=8),  # the result is a map
    "skipped-positions": network(  # the map is a result too
        conv("kernel_size: 3, name: map"), conv("kernel_size: 1, stride: 2, name: coarse")
    )
    + "outputs: [map, coarse]\n",
    "even-kernel": "input: [8, 32]\nlayers: [{type: conv1d, out_channels: 8, kernel_size: 2, padding: causal}]\n",
    "bias-before-norm": network(  # another layer reads the biased value
        "{name: a, type: conv2d, out_channels: 8, kernel_size: 1}", "{type: batch_norm2d}", "{type: add, with: a}"
    ),
    "channel-tile": network(  # depthwise: the channels are another layer's
        conv("kernel_size: 1"), "{type: depthwise_conv2d, kernel_size: 3}", *FLAT, "{type: linear, out_features: 10}"
    ),
    "unmixed-groups": network(  # a dense layer follows
        *[conv("kernel_size: 3, groups: 2")] * 2, conv("kernel_size: 1")
    ),
    "final-activation": network(conv("kernel_size: 3, activation: relu")),  # features
    "early-downsampling": network(conv("kernel_size: 4, stride: 4")),  # patches
    "misaligned-join": (
        "input: [8, 32]\nlayers:\n"
        "  - {type: residual, body: [{type: conv1d, out_channels: 8, kernel_size: 9, padding: causal}]}\n"
    ),
    "dropped-positions": network(conv("kernel_size: 3, stride: 2, padding: 1")),  # nothing but padding is dropped
    "padding-only": network(conv("kernel_size: 3, padding: 1"), size=2),
}
"""By rule, what looks alike and is fine."""


@pytest.mark.parametrize("name", QUIET)
def test_what_looks_alike_and_is_fine(name: str, tmp_path: Path) -> None:
    assert found(tmp_path, QUIET[name], name) == []


LOUD = {
    "beyond-input": network(*[conv("kernel_size: 3, padding: 1")] * 6, *FLAT, size=8),
    "even-kernel": network(conv("kernel_size: 2, padding: 1, dilation: 3")),
    "unmixed-groups": network(*[conv("kernel_size: 3, groups: 2")] * 3, conv("kernel_size: 1")),
    "final-activation": network(conv("kernel_size: 3, activation: relu"), *FLAT),
    "early-downsampling": network(conv("kernel_size: 2, stride: 2"), conv("kernel_size: 1, stride: 2")),
    "padding-only": network(conv("kernel_size: 3, padding: 1"), size=1),
    "checkerboard": network("{type: conv_transpose2d, out_channels: 4, kernel_size: 2, stride: 3}"),
}


@pytest.mark.parametrize("name", LOUD)
def test_what_else_is_found(name: str, tmp_path: Path) -> None:
    (message,) = found(tmp_path, LOUD[name], name)
    assert message.startswith(f"{name}: ")


def test_sizes_that_are_told_drop_nothing(tmp_path: Path) -> None:
    (message,) = found(tmp_path, RULES["dropped-positions"].triggers, "dropped-positions")
    assert message.endswith("sizes must be multiples of 32: 480 or 512")
    for size in (480, 512):
        text = RULES["dropped-positions"].triggers.replace("500, 500", f"{size}, {size}")
        assert found(tmp_path, text, "dropped-positions") == []


def test_unused_names_of_blocks(tmp_path: Path) -> None:
    text = (
        "input: [3, 16, 16]\nparams: {width: 8}\n"
        "blocks:\n"
        "  inner: {params: {w: }, layers: [{type: conv2d, out_channels: $w, kernel_size: $k}]}\n"
        "  outer: {params: {k: 3, depth: 2}, layers: [{use: inner, w: $width}]}\n"
        "layers: [{use: outer}]\n"
    )
    found_here = found(tmp_path, text.replace("kernel_size: $k", "kernel_size: 3"), "unused-name")
    assert found_here == [
        "unused-name: nothing in the block 'outer' names its param 'k'; use it or leave it out",
        "unused-name: nothing in the block 'outer' names its param 'depth'; use it or leave it out",
    ]
