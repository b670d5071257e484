"""YAML 1.2 scalars, positions, and what is refused before anything is built."""

from __future__ import annotations

from typing import Any

import pytest

from archlab.config.syntax.substitute import substitute
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, parse, resolve_plain
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError, Problems
from tests.chunks import check_each


def read(text: str) -> tuple[Node, Problems]:
    problems = Problems()
    return parse(Source("t.yaml", text), problems), problems


PLAIN: list[tuple[str, Any]] = [
    *(("12", 12), ("-3", -3), ("+4", 4), ("010", 10), ("0o17", 15), ("0xFf", 255)),
    *(("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("1e-5", 1e-5), ("-2.", -2.0)),
    *(("true", True), ("False", False), ("null", None), ("~", None), ("", None)),
    # strings in YAML 1.2, whatever YAML 1.1 made of them
    *((word, word) for word in ("yes", "no", "on", "off", "y", "1_000", "12:30", "0b1", "1e", "e5", "tRue", ".")),
    *((word, word) for word in ("relu", "nan", "inf", "-", "1.2.3", "0x", "2001-01-01", "3x3", "64k")),
]


def test_plain_scalars_follow_the_core_schema() -> None:
    check_each(PLAIN, check_plain)


def check_plain(case: tuple[str, Any]) -> None:
    text, value = case
    resolved = resolve_plain(text)
    assert resolved == value
    assert type(resolved) is type(value)


@pytest.mark.parametrize("text", [".inf", "-.inf", ".nan", ".NaN", "9" * 19, "1" * 5000, "1e999", "0x" + "f" * 30])
def test_numbers_beyond_use_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"too large|not a finite number"):
        resolve_plain(text)


def test_quotes_make_text() -> None:
    node, _ = read("""a: "12"\nb: 'true'\nc: 12""")
    assert substitute(node, {}) == {"a": "12", "b": "true", "c": 12}


def test_places_count_characters() -> None:
    node, _ = read("a: 1\nünïcode: {b: [x, yy]}\n")
    assert isinstance(node, Mapping)
    inner = node.entries["ünïcode"]
    assert isinstance(inner, Mapping)
    value = inner.entries["b"]
    assert isinstance(value, Sequence)
    last = value.items[1]
    assert isinstance(last, Scalar)
    assert (last.place.line, last.place.column, last.place.end_column) == (1, 17, 19)
    assert last.place.text == "t.yaml:2:18"


def test_a_key_written_twice_is_a_problem_and_the_first_counts() -> None:
    node, problems = read("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert substitute(node, {}) == {"a": 1, "b": {"c": 1}}
    assert [(p.code, p.place.text if p.place else "") for p in problems.found] == [
        ("duplicate-key", "t.yaml:2:11"),
        ("duplicate-key", "t.yaml:3:1"),
    ]


def test_aliases_are_the_value_they_name() -> None:
    node, _ = read("a: &x [1, 2]\nb: *x\n")
    assert substitute(node, {}) == {"a": (1, 2), "b": (1, 2)}


def test_brackets_without_end_are_refused_by_libyaml_or_by_us() -> None:
    with pytest.raises(ConfigError) as caught:
        read("[" * 20_000)
    assert {problem.code for problem in caught.value.problems} <= {"too-deep", "yaml-syntax"}


def laughs(levels: int) -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, levels)]
    return "\n".join(lines)


def test_aliases_count_as_written_out() -> None:
    """The mapping is a value, and so are its keys, its lists and what is in them."""
    for values, code in ((65_536, None), (65_537, "too-large")):
        last = values - 1 - 3 - 1_000 - (1 + 60 * 1_000) - 1
        ones, aliases = ", ".join("1" * 999), ", ".join(["*a"] * 60)
        text = f"a: &a [{ones}]\nb: [{aliases}]\nc: [{', '.join('1' * last)}]"
        if code is None:
            read(text)
        else:
            with pytest.raises(ConfigError) as caught:
                read(text)
            assert [problem.code for problem in caught.value.problems] == [code]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-file"),
        ("# nothing\n", "empty-file"),
        ("a: [1, 2", "yaml-syntax"),
        ("a: 'open", "yaml-syntax"),
        ("a:\n\t- b", "yaml-syntax"),
        ("a: b: c", "yaml-syntax"),
        ("a: \x07", "yaml-syntax"),
        ("a: *nothing", "unknown-anchor"),
        ("a: !!python/object/apply:os.system [ls]", "yaml-tag"),
        ("a: !local 1", "yaml-tag"),
        ("--- 1\n--- 2\n", "several-documents"),
        ("{[1, 2]: 3}", "bad-key"),
        ("{out: ${width}}", "yaml-syntax"),
        ("a: " + "[" * 200 + "]" * 200, "too-deep"),
        ("a: &a [*a, *a]", "unknown-anchor"),
        (laughs(9), "too-large"),
        ("a: [" + "1, " * 210_000 + "]", "too-large"),
    ],
)
def test_what_leaves_no_tree(text: str, code: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert [problem.code for problem in caught.value.problems] == [code]
    assert str(caught.value)
