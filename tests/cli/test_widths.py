"""What a terminal of any width shows: whole words and whole numbers, and what it leaves out is said."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from archlab.api.load import load
from archlab.cli import characters, output
from archlab.cli.commands import command_module
from archlab.cli.main import build_parser
from archlab.cli.report import Report
from archlab.cli.spelling import OptionSpelling
from archlab.diagnostics.spelling import spelled
from archlab.files.inputs import remembered_inputs
from archlab.report.units import Units, in_units, read_units, si
from tests.command import run

ONE = str(Path(__file__).parents[1] / "axes" / "one.yaml")
BAD = str(Path(__file__).parents[1] / "bad_configs" / "one_mistake_in_a_repeated_block.yaml")
COMMANDS = {
    "analyze": "analyze resnet50 --depth 2",
    "analyze deployed": "analyze mobilenet_v2 --deploy --dtype int8",
    "compare": "compare resnet50 mobilenet_v2 unet --device a100",
    "memory": "memory resnet18 --training --fit 2GiB",
    "time": "time resnet18 --depth 2",
    "receptive-field": "receptive-field resnet18",
    "projective field": "receptive-field alexnet --projective",
    "presets": "presets mobilenet* *resnet50*",
    "check": "check resnet18 --max-macs 2G --max-params 20M --min-receptive-field 300",
    "check fails": "check resnet18 --max-macs 1G",
    "sweep": "sweep resnet18 --vary d1=1..2 --vary d2=1..3",
    "fit": "fit resnet18 --vary d1=1..3 --where macs<=2G --maximize receptive_field",
    "lint": "lint unet",
    "lint rules": "lint --rules",
    "diff": "diff resnet18 resnet34",
    "validate": f"validate {BAD}",
    "measure": f"measure {ONE} --rounds 1",
    "verify": f"verify {ONE}",
    "explain": "explain alexnet features.conv2",
    "explain network": "explain resnet18",
    "counting": "explain alexnet --counting",
}
WIDTHS = (60, 80, 100, 120)
LEFT_OUT = re.compile(r"Left out in \d+ columns: (?:[^;]|\n)*;(?:[^.]|\n)*\.")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
DRAWN = re.compile(r"[─█▏▎▍▌▋▊▉]+")


@cache
def report_of(name: str) -> tuple[Report, str]:
    """What a command finds, and its usual form."""
    words = COMMANDS[name].split()
    module = command_module(words[0])
    with spelled(OptionSpelling()), remembered_inputs():
        return module.run(build_parser(words[0]).parse_args(words)), module.FORMS.default


def text_of(name: str, *, terminal: bool) -> str:
    report, form = report_of(name)
    with spelled(OptionSpelling()):
        return output._text(report, form, colour=terminal)


def words_of(text: str) -> set[str]:
    return set(DRAWN.sub(" ", text).split())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", COMMANDS)
def test_no_word_is_broken_and_no_number_cut(name: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    whole, shown = words_of(text_of(name, terminal=False)), COLOUR.sub("", text_of(name, terminal=True))
    broken = words_of(LEFT_OUT.sub(" ", shown)) - whole - {"of", "all", "MACs"}  # of the bars, which no pipe gets
    assert not broken
    long = [line for line in shown.splitlines() if len(line) > width]
    assert not [line for line in long if " " in line and not re.match(r" *\d* \|", line)]  # but a config's own lines


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_left_out_is_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    headings = [words.split("   ") for words in text_of(name, terminal=False).splitlines() if "   " in words.strip()]
    known = {cell.strip() for cells in headings for cell in cells}
    monkeypatch.setenv("COLUMNS", "60")
    shown = " ".join(text_of(name, terminal=True).split())
    for said in LEFT_OUT.findall(shown):
        names = said.partition(": ")[2].partition(";")[0].split(", ")
        assert set(names) - {"of all MACs"} <= known
        assert "a wider terminal" in said


@pytest.mark.parametrize("variable", ["NO_COLOR", "TERM"])
def test_no_escape_where_none_is_wanted(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv(variable, "dumb")
    for name in COMMANDS:
        assert "\x1b" not in text_of(name, terminal=True)


@pytest.mark.parametrize("name", COMMANDS)
def test_ascii_streams_get_no_question_marks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    characters.prepare_streams()
    text = text_of(name, terminal=True)
    assert text.encode("ascii", characters.HANDLER).count(b"?") == text.count("?")


def test_columns_units_and_order(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--columns", "macs,params", "--units", "M", "--sort=-macs"]
    _, out, _ = run(capsys, "compare", "alexnet", "resnet50", "vgg16", *asked)
    lines = [line.split() for line in out.splitlines() if line.startswith((" network", " vgg", " alex", " res"))]
    assert lines == [
        ["network", "MACs", "params"],
        ["vgg16", "15,470.3", "M", "138.4", "M"],
        ["resnet50", "4,089.2", "M", "25.56", "M"],
        ["alexnet", "714.2", "M", "61.10", "M"],
    ]
    total = load("alexnet").analyze().total
    _, out, _ = run(capsys, "compare", "alexnet", "--columns", "memory,flops", "--units", "exact")
    assert f" alexnet   {total.memory.inference_peak:,} B   {total.flops:,}\n" in out
    _, out, _ = run(capsys, "analyze", "alexnet", "--sort", "params", "--depth", "all")
    last = [line for line in out.splitlines() if line.startswith(" classifier.")][-1]
    assert last.split()[:1] == ["classifier.fc1"]


def test_columns_of_fields(capsys: pytest.CaptureFixture[str]) -> None:
    for more, columns in ((), "stride,size"), (("--projective",), "all,size"):
        _, out, _ = run(capsys, "receptive-field", "alexnet", *more, "--columns", columns)
        assert [line.split() for line in out.splitlines() if line.startswith(" layer")] == [
            ["layer", *columns.split(",")]
        ]


def test_what_is_asked_for_of_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        (("analyze", "alexnet", "--columns", "mac"), "there is no column 'mac'; did you mean 'macs'?"),
        (("time", "alexnet", "--sort", "byte"), "there is no column 'byte'; did you mean 'bytes'?"),
        (("receptive-field", "alexnet", "--columns", "sizes"), "there is no column 'sizes'; did you mean 'size'?"),
        (("receptive-field", "alexnet", "--columns", "size", "--format", "csv"), "--columns is of the table"),
        (("analyze", "alexnet", "--units", "MB"), "'MB' is no unit; bytes are counted in MiB"),
        (("analyze", "alexnet", "--columns", "macs", "--format", "csv"), "--columns is of the table; csv has every"),
    ):
        status, out, err = run(capsys, *arguments)
        assert status in (1, 2)
        assert (out, said in err) == ("", True)


@pytest.mark.parametrize("value", [0, 7, 999, 12_345, 4_089_184_256])
def test_a_number_in_a_unit_is_that_number(value: int) -> None:
    for unit, factor in (("k", 10**3), ("M", 10**6), ("G", 10**9)):
        with in_units(read_units(unit)):
            digits, said = si(value).split(" ")
        assert said == unit
        assert float(digits.replace(",", "")) * factor == pytest.approx(value, rel=1e-3)
    with in_units(Units("exact", "exact")):
        assert int(si(value).replace(",", "")) == value
