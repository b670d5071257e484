"""What a param may be, and the problems of what it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archlab.cli.spelling import OptionSpelling
from archlab.diagnostics.problem import ConfigError
from archlab.diagnostics.spelling import spelled
from archlab.sweep.file import read_written
from archlab.sweep.vary import read_vary
from tests.sweep.spaces import space

CONFIG = """
archlab: 1
input: [3, 32, 48]
params: {width: 8, ratio: 0.5, name: a, out: $(width + 1), sizes: [1, 2]}
layers: [{type: conv2d, out_channels: $out, kernel_size: 1}]
"""


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("width", "16..20", (16, 17, 18, 19, 20)),
        ("width", "16..33:8", (16, 24, 32)),
        ("width", "8..64*2", (8, 16, 32, 64)),
        ("width", "8..30*1.5", (8, 12, 18, 27)),
        ("width", "[3, 5]", (3, 5)),
        ("width", "7", (7,)),
        ("ratio", "0.1..0.3:0.1", (0.1, 0.2, 0.3)),
        ("ratio", "0.5..2*2", (0.5, 1.0, 2.0)),
        ("ratio", " .25 .. 1:.25 ", (0.25, 0.5, 0.75, 1.0)),
        ("name", "[a, b]", ("a", "b")),
        ("sizes", "[[1, 2], [3, 4]]", ((1, 2), (3, 4))),
        ("input", "[32, 64]", ((3, 32, 32), (3, 64, 64))),
        ("input", "[1x16x24]", ((1, 16, 24),)),
        ("input", "[[4, 8, 9]]", ((4, 8, 9),)),
        ("input", "16..48:16", ((3, 16, 16), (3, 32, 32), (3, 48, 48))),
    ],
)
def test_values(name: str, text: str, values: tuple[Any, ...]) -> None:
    found = space(CONFIG, {name: text}).knobs[0].values
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("widht", "1..2", "has no param 'widht'; did you mean 'width'?"),
        ("width", "3..1", "3..1 goes down; write the smaller number first"),
        ("width", "1..9:0", "the step of 1..9:0 must be more than 0"),
        ("width", "1..9*1", "1..9*1 does not grow; its first number must be more than 0, its factor more than 1"),
        ("width", "0..9*2", "does not grow"),
        ("width", "1..100000", "1..100000 has more than 10,000 values"),
        ("width", "1..x", "'1..x' is no range; write a list"),
        ("width", "[1, 1]", "1 is there twice"),
        ("width", "[]", "there is no value"),
        ("width", "{a: 1}", "write a list"),
        ("width", "[$out]", "a list of values holds no expressions"),
        ("width", "null", "null is no value"),
        ("input", "$(2 * width)", "sizes of the input are a list or a range, no expression"),
        ("input", "[0]", "the sizes of 'input' must be at least 1"),
        ("input", "[a]", "'input' must be a list of whole numbers"),
    ],
)
def test_problems(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        space(CONFIG, {name: text})
    assert message in str(caught.value)


def test_a_param_that_is_set_does_not_vary() -> None:
    with pytest.raises(ConfigError, match=r"vary=width: 'width' has one value already, by width=\.\.\."):
        space(CONFIG, {"width": "1..2"}, width=3)
    with (
        spelled(OptionSpelling()),
        pytest.raises(ConfigError, match=r"--vary width: 'width' has one value already, by --set width=\.\.\."),
    ):
        space(CONFIG, {"width": "1..2"}, width=3)


def test_a_space_has_bounds() -> None:
    with pytest.raises(ConfigError, match=r"the space has more than 10\^18 designs"):
        space(
            CONFIG, {"width": "1..9999", "ratio": "1..9999", "input": "1..9999", "sizes": "1..9999", "name": "1..9999"}
        )


def test_numbers_and_values_of_designs() -> None:
    of = space(CONFIG, {"width": "[4, 8]", "name": "[a, b, c]", "out": "$(2 * width)"})
    assert of.size == 6
    assert [of.chosen(number) for number in (0, 1, 3)] == [
        {"width": 4, "name": "a"},
        {"width": 4, "name": "b"},
        {"width": 8, "name": "a"},
    ]
    assert of.settings_of(of.digits(5)) == ({"width": 8, "name": "c", "out": 16}, None)


def test_the_command_line() -> None:
    found = read_vary(["a=1,2", "b=[1, 2]", "c=$(max(a, 2))", "d=1..9:2"])
    assert list(found) == ["a", "b", "c", "d"]
    for text in ("a", "=1", ""):
        with pytest.raises(ConfigError, match="--vary takes name=values"):
            read_vary([text])
    with pytest.raises(ConfigError, match="--vary a is there twice"):
        read_vary(["a=1", "a=2"])


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(CONFIG)
    path = tmp_path / "sweep.yaml"
    path.write_text(
        "sweep: net.yaml\nvary: {width: 4..16:4, input: [32, 64]}\nset: {ratio: 0.25}\n"
        "where: [macs <= 1M, params < 2k]\nsort: [-macs, params]\nsample: 10\nseed: 4\n"
    )
    written = read_written(str(path))
    assert written is not None
    assert (written.target, written.settings, written.sample, written.seed) == (
        str(tmp_path / "net.yaml"),
        {"ratio": 0.25},
        10,
        4,
    )
    assert [f"{figure} {limit.text}" for figure, limit in written.limits] == ["macs <= 1M", "params < 2k"]
    assert written.sort == ["-macs", "params"]
    assert read_written(str(tmp_path / "net.yaml")) is None
    assert read_written("resnet50") is None


def test_problems_of_a_file_are_placed(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text("sweep: [a]\nvary: 3\nwhere: mac <= 1M\nsort: {a: 1}\nsample: 0\nsamples: 3\nset: {a: $b}\n")
    with pytest.raises(ConfigError) as caught:
        read_written(str(path))
    found = [(problem.place.line + 1, problem.message) for problem in caught.value.problems if problem.place]
    assert [(line, message.partition(";")[0]) for line, message in sorted(found)] == [
        (1, "'sweep' names a network: a preset, or the path of a config"),
        (2, "'vary' is a mapping of params to values, not the number 3"),
        (3, "where: there is no figure 'mac'"),
        (4, "'sort' names figures, not a mapping"),
        (5, "'sample' is a whole number of at least 1"),
        (6, "a sweep has no 'samples'"),
        (7, "a plain value is wanted"),
    ]
