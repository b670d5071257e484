"""Bounds on a config: what is exactly at one is taken, one more is a problem that names the bound."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from archlab.api.load import load, loads
from archlab.api.validate import config_paths, validate, validate_all
from archlab.config.syntax.files import read_source, read_stdin_source
from archlab.config.syntax.folders import configs_below
from archlab.config.syntax.naming import name_fault
from archlab.config.tree.foreign import foreign_problem
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError
from archlab.diagnostics.words import counted, listed, one_of

RELU = "layers: [{type: relu}]\n"
SMALL = "input: [1, 2, 2]\n"


def nested(levels: int) -> str:
    return f"{SMALL}{RELU}params: {{x: {'[' * levels}{']' * levels}}}"


def with_params(count: int) -> str:
    return SMALL + RELU + "params: {" + ", ".join(f"p{i}: 1" for i in range(count)) + "}"


def upsampled(size: str) -> str:
    return f"{SMALL}layers: [{{type: upsample, size: {size}}}]"


def sums(identities: int) -> str:
    """A layer, many sums of ten values, and layers of one input."""
    join = f"{{type: add, with: [{', '.join('a' * 9)}], repeat: 6552}}"
    return f"{SMALL}layers: [{{name: a, type: relu}}, {join}, {{type: identity, repeat: {identities}}}]"


def sums_and_one(inputs: int) -> str:
    """Layers of 65,521 inputs together, and a sum."""
    return sums(0).replace("{type: identity, repeat: 0}", f"{{type: add, with: [{', '.join('a' * (inputs - 1))}]}}")


def used_blocks(levels: int) -> str:
    """Blocks that use one another."""
    inner = [f"b{level}: {{layers: [{{use: b{level + 1}}}]}}" for level in range(1, levels)]
    return f"{SMALL}blocks: {{{', '.join(inner)}, b{levels}: {RELU.strip().join('{}')}}}\nlayers: [{{use: b1}}]"


def alternating(levels: int, name: str) -> str:
    """So many levels, every other one a block's, and the rest residuals."""
    blocks = [f"b{n}: {{layers: [{{{name}type: residual, body: [{{use: b{n + 1}}}]}}]}}" for n in range(1, levels // 2)]
    inner = "{type: relu}" if levels % 2 == 0 else f"{{{name}type: residual, body: [{{type: relu}}]}}"
    last = f"b{levels // 2}: {{layers: [{{{name}type: residual, body: [{inner}]}}]}}"
    return f"{SMALL}blocks: {{{', '.join([*blocks, last])}}}\nlayers: [{{use: b1}}]"


def long_path(length: int) -> str:
    """Nine names of 50 letters, each with a dot, and a layer's."""
    layer = f"{{type: relu, name: {'b' * (length - 9 * 51)}}}"
    for _ in range(9):
        layer = f"{{type: residual, name: {'a' * 50}, body: [{layer}]}}"
    return f"{SMALL}layers: [{layer}]"


def with_output(letters: int) -> str:
    return f"{SMALL}layers: [{{name: a, type: relu}}]\noutputs: {{{'x' * letters}: a}}"


BOUNDS = {
    "levels of blocks": (used_blocks(64), used_blocks(65), "blocks are nested deeper than 64 levels"),
    "levels of blocks and residuals": (alternating(64, ""), alternating(65, ""), "nested deeper than 64 levels"),
    "levels of blocks and residuals with names": (
        alternating(64, "name: r, "),
        alternating(65, "name: r, "),
        "nested deeper than 64 levels",
    ),
    "letters of a path": (
        long_path(500),
        long_path(501),
        f"the layer's path has 501 characters, '{'a' * 50}.{'a' * 9}...'; at most 500 are allowed; write shorter names",
    ),
    "letters of an output": (
        with_output(60),
        with_output(61),
        "the name of an output must be 1 to 60 printable characters",
    ),
    "levels of YAML": (nested(98), nested(99), "nested deeper than 100 levels"),
    "params": (with_params(500), with_params(501), "the file has 501 params; at most 500 are allowed"),
    "height of the input": (
        "input: [1, 65536, 1]\n" + RELU,
        "input: [1, 65537, 1]\n" + RELU,
        "at most 65,536 positions",
    ),
    "width of the input": (
        "input: [1, 1, 65536]\n" + RELU,
        "input: [1, 1, 65537]\n" + RELU,
        "at most 65,536 positions",
    ),
    "height of a map": (upsampled("[262144, 1]"), upsampled("[262145, 1]"), "the map has grown to 1x262145x1"),
    "width of a map": (upsampled("[1, 262144]"), upsampled("[1, 262145]"), "the map has grown to 1x1x262145"),
    "elements": (
        "input: [65536, 65536, 65536]\n" + RELU,
        "input: [65537, 65536, 65536]\n" + RELU,
        "at most 281,474,976,710,656 elements are allowed",
    ),
    "inputs": (sums(15), sums(16), "the layers of the network have more than 65,536 inputs together"),
    "inputs of the last layer": (
        sums_and_one(15),
        sums_and_one(16),
        "the layers of the network have more than 65,536 inputs together",
    ),
    "digits": (
        f"{SMALL}{RELU}params: {{x: {'1' * 18}}}",
        f"{SMALL}{RELU}params: {{x: {'1' * 19}}}",
        "is too large; write a finite number",
    ),
    "letters of a text": (
        f"{SMALL}{RELU}params: {{x: '{'a' * 1000}'}}",
        f"{SMALL}{RELU}params: {{x: '{'a' * 1001}'}}",
        "a text of 1001 characters; at most 1000 are allowed",
    ),
    "letters of a name": (
        f"{SMALL}layers: [{{type: relu, name: {'a' * 60}}}]",
        f"{SMALL}layers: [{{type: relu, name: {'a' * 61}}}]",
        "is too long; at most 60 characters",
    ),
    "taps of a transposed convolution": (
        f"{SMALL}layers: [{{type: conv_transpose2d, out_channels: 1, kernel_size: [65536, 1]}}]",
        f"{SMALL}layers: [{{type: conv_transpose2d, out_channels: 1, kernel_size: [65537, 1]}}]",
        "kernel_size=65537 is larger than 65536",
    ),
    "channels": (
        "input: [1, 1, 1]\nlayers: [{type: conv2d, out_channels: 16777216, kernel_size: 1}]",
        "input: [1, 1, 1]\nlayers: [{type: conv2d, out_channels: 16777217, kernel_size: 1}]",
        "'out_channels' must be at most 16777216, not the number 16777217",
    ),
    "numbers of the input": (
        "input: [2, 2, 2, 2]\n" + RELU,
        "input: [2, 2, 2, 2, 2]\n" + RELU,
        "'input' has 5 numbers",
    ),
    "length of the input": ("input: [1, 262144]\n" + RELU, "input: [1, 262145]\n" + RELU, "at most 262,144 positions"),
}


@pytest.mark.parametrize("bound", BOUNDS)
def test_the_last_that_is_taken(bound: str) -> None:
    taken, refused, message = BOUNDS[bound]
    loads(taken)
    with pytest.raises(ConfigError) as caught:
        loads(refused)
    (problem,) = caught.value.problems
    assert message in problem.message
    assert " " not in problem.code


def test_no_more_than_a_hundred_problems_are_told() -> None:
    for count in (99, 100, 101):
        with pytest.raises(ConfigError) as caught:
            loads(SMALL + "layers:\n" + "- {type: rely}\n" * count)
        assert len(caught.value.problems) == min(count, 100)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".", ". is a folder, not a config file"),
        ("/dev/null", "/dev/null is not a regular file"),
        ("nothing.yaml", "there is no file nothing.yaml"),
        ("a\0b.yaml", "cannot read a\0b.yaml: not a usable path"),
        ("a" * 300, f"cannot read {'a' * 300}: {os.strerror(errno.ENAMETOOLONG)}"),
        ("latin1.yaml", "latin1.yaml is not UTF-8 text (byte 7)"),
    ],
)
def test_what_is_no_config_file(name: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("latin1.yaml").write_bytes("name: r\u00e9seau".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        read_source(Path(name))
    assert [(problem.message, problem.code) for problem in caught.value.problems] == [(reason, "unreadable")]


def test_a_config_on_stdin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    text = "\N{ZERO WIDTH NO-BREAK SPACE}name: r\u00e9seau\n"
    for content, said in ((text.encode(), ""), (b"a\xff", "not UTF-8 text (byte 1)"), (b"#" * 1_000_001, "1,000,000")):
        with (tmp_path / "in").open("wb") as file:
            file.write(content)
        with (tmp_path / "in").open() as file:
            monkeypatch.setattr("sys.stdin", file)
            if said:
                with pytest.raises(ConfigError, match=re.escape(said)):
                    read_stdin_source()
            else:
                assert read_stdin_source() == Source("<stdin>", text[1:], tmp_path)


def test_a_folder_holds_so_many_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Files and folders are counted, of which some are configs."""
    (tmp_path / "inner").mkdir()
    for name in ("a.yaml", "b.txt", "inner/c.yml"):
        (tmp_path / name).write_text("")
    configs = [str(tmp_path / "a.yaml"), str(tmp_path / "inner" / "c.yml")]
    for most, files in (("MAX_FOLDER_ENTRIES", "files"), ("MAX_CONFIGS", ".yaml files")):
        held = 4 if files == "files" else 2
        with monkeypatch.context() as patch:
            patch.setattr(f"archlab.config.syntax.folders.{most}", held)
            assert configs_below(str(tmp_path)) == configs
            patch.setattr(f"archlab.config.syntax.folders.{most}", held - 1)
            with pytest.raises(ConfigError, match=f"holds more than {held - 1} {re.escape(files)}; give the folder"):
                configs_below(str(tmp_path))


def test_lists_in_messages_end_after_a_dozen() -> None:
    dozen = [f"p{number}" for number in range(12)]
    assert listed(dozen) == ", ".join(dozen)
    assert listed([*dozen, "q"]) == ", ".join(dozen) + ", ..."
    assert listed([]) == "none"
    assert [counted(n, "layer") for n in (0, 1, 2, 1234)] == ["0 layers", "1 layer", "2 layers", "1,234 layers"]
    assert [one_of(["a"]), one_of(["a", "b"]), one_of(["a", "b", "c"])] == ["a", "a or b", "a, b or c"]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a" * 60, None),
        ("a" * 61, "too long"),
        ("_a", "begins with _"),
        ("1a", "is not a name"),
        ("a-b", "is not a name"),
        ("a\n", "is not a name"),
        ("class", "a word of Python"),
        ("forward", "an attribute"),
        ("B2_", None),
    ],
)
def test_names(name: str, fault: str | None) -> None:
    found = name_fault(name)
    assert found is None if fault is None else fault in str(found)


def test_a_mistake_in_a_name_is_the_only_problem_told_of_a_variant() -> None:
    with pytest.raises(ConfigError) as caught:
        loads(SMALL + RELU + "variants: {'a b': {zzz: 1}, good: {yyy: 1}}")
    assert [problem.message.partition(";")[0] for problem in caught.value.problems] == [
        "the variant 'a b' is not a name",
        "variant 'good' sets 'yyy', which is not a param",
    ]


def test_residuals_inside_one_another_count_once_each() -> None:
    levels = 45
    for name in ("", "name: r, "):
        loads(f"{SMALL}layers: [{f'{{type: residual, {name}body: [' * levels}{{type: relu}}{']}' * levels}]")


def test_the_networks_of_a_file_share_a_bound(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("archlab.api.validate.MAX_STEPS", 6_000)
    variants = ", ".join(f"v{number}: {{deep: 1000}}" for number in range(9))
    text = f"{SMALL}params: {{deep: 1}}\nvariants: {{{variants}}}\nlayers: [{{type: relu, repeat: $deep}}]\n"
    (tmp_path / "net.yaml").write_text(text)
    (problem,) = validate(str(tmp_path / "net.yaml")).problems
    assert problem.code == "too-large"
    assert "networks in front of this variant take more than 6,000 steps to expand together" in problem.message
    (tmp_path / "net.yaml").write_text(text.replace("1000", "10"))
    assert not validate(str(tmp_path / "net.yaml")).problems


def test_configs_that_are_checked_together_share_a_bound(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.yaml").write_text(f"{SMALL}layers: [{{type: relu, repeat: 1000}}]\n")
    targets = config_paths([str(tmp_path)])
    one = validate(targets[0]).spent
    assert one > 1000
    assert [found.networks for found in validate_all(targets)] == [1] * 5
    monkeypatch.setattr("archlab.api.validate.MAX_TOTAL_STEPS", 3 * one)
    checked = validate_all(targets)
    assert [found.networks for found in checked] == [1, 1, 1, 0]
    (problem,) = checked[-1].problems
    assert problem.code == "too-large"
    assert f"{targets[3]}: not checked, nor is what follows: the 3 configs in front of it take more" in problem.message


def test_a_file_of_another_program_that_begins_with_an_empty_line() -> None:
    place = foreign_problem("a model", Source("model.yaml", "\nx: 1\n")).place
    assert place is not None
    assert (place.line, place.column, place.end_line, place.end_column) == (0, 0, 0, 1)


def extended(folder: Path, last: str, text: str) -> list[tuple[str, str]]:
    """The problems of a config that extends `last`."""
    (folder / "net.yaml").write_text(f"extends: {last}\n{text}")
    try:
        load(str(folder / "net.yaml"))
    except ConfigError as error:
        return [(problem.message, problem.code) for problem in error.problems]
    return []


def test_eight_configs_extend_one_another(tmp_path: Path) -> None:
    (tmp_path / "n0.yaml").write_text(SMALL + "layers: [{name: a, type: relu}]\n")
    for number in range(1, 9):
        (tmp_path / f"n{number}.yaml").write_text(f"extends: n{number - 1}.yaml\n")
    assert extended(tmp_path, "n7.yaml", "") == []
    assert extended(tmp_path, "n8.yaml", "") == [("more than 8 configs extend one another", "extends-loop")]


def test_what_extending_refuses(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(SMALL + "layers: [{name: a, type: relu}]\n")
    assert extended(tmp_path, "base.yaml", "layers: {a: {type: sigmoid}}") == []
    refused = [
        (
            ("base.yaml", "layers: {a: 3}"),
            "layer 'a' is overridden by a mapping of arguments, a list of layers, or null, not the number 3",
            "wrong-type",
        ),
        (
            ("base.yaml", "layers: {b: {}}"),
            "the extended config has no layer named 'b'; its named layers are a",
            "unknown-name",
        ),
        (("net.yaml", ""), "'net.yaml' extends itself, directly or through others", "extends-loop"),
        (('"x\\0.yaml"', ""), "'x\0.yaml' is not a usable path", "extends-path"),
    ]
    for (last, text), message, code in refused:
        assert extended(tmp_path, last, text) == [(message, code)]


def test_configs_that_extend_one_another_share_the_bytes(tmp_path: Path) -> None:
    base, above = tmp_path / "base.yaml", tmp_path / "above.yaml"
    base.write_text(SMALL + RELU + "# " + "x" * 499_000)
    rest = 1_000_000 - len(base.read_bytes()) - len(head := "extends: base.yaml\n# ")
    above.write_text(head + "x" * rest)
    load(above)
    above.write_text(head + "x" * (rest + 1))
    with pytest.raises(ConfigError, match=r"with .*base\.yaml, the configs .* have 1,000,001 bytes together") as caught:
        load(above)
    assert caught.value.problems[0].place is not None


def test_a_network_has_so_many_different_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal ones with equal inputs count as one."""
    monkeypatch.setattr("archlab.config.expand.budget.MAX_DIFFERENT", 3)
    loads(f"{SMALL}layers: [{{type: relu}}, {{type: tanh}}, {{type: relu}}, {{type: elu}}]")
    with pytest.raises(ConfigError) as caught:
        loads(
            f"{SMALL}layers:\n  - {{type: relu, repeat: 9}}\n  - {{type: tanh}}\n  - {{type: elu}}\n  - {{type: selu}}"
        )
    (problem,) = caught.value.problems
    said = "the network has more than 3 different layers (in type, arguments or input)"
    assert (problem.message, problem.code) == (said, "too-large")
    assert problem.place is not None
    assert problem.place.line == 5
