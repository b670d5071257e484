"""Terminals and pipes that are narrow, dumb, or cannot show every character."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from archlab.cli import characters, output
from tests.command import run
from tests.terminal import in_terminal

COMMANDS = [
    ["analyze", "resnet18"],
    ["compare", "resnet18", "vgg16"],
    ["memory", "resnet18", "--training"],
    ["time", "resnet18"],
    ["diff", "resnet18", "resnet34"],
    ["receptive-field", "alexnet"],
]
NUMBER = re.compile(r"(?<![\w.,])\d[\d,.]*(?![\w,.])")


def colourless(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 120])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_no_number_loses_a_digit(
    command: list[str], columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = set(NUMBER.findall(run(capsys, *command)[1]))
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    narrow = colourless(run(capsys, *command)[1])
    assert "\u2026" not in narrow
    long = {number for number in NUMBER.findall(narrow) if len(number) > 4}
    assert long
    assert {number.rstrip(",.") for number in long} <= {number.rstrip(",.") for number in wide}


def test_bars_go_before_numbers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    for columns, drawn in ((120, True), (40, False)):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert ("\u2588" in run(capsys, "memory", "resnet18")[1]) == drawn


ENCODINGS = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "cp1252"},
    {"LC_ALL": "C"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("environment", ENCODINGS, ids=str)
def test_what_cannot_be_shown_is_drawn_in_ascii(environment: dict[str, str]) -> None:
    named = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHONIO"))}
    command = [sys.executable, "-m", "archlab", "memory", "alexnet"]
    done = subprocess.run(command, env={**named, **environment}, capture_output=True, check=True)
    text = done.stdout.decode("ascii")
    assert "?" not in text
    assert "-----" in text
    assert "#####" in text


def test_names_keep_what_can_be_shown(tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text("name: größe_√\ninput: [3, 8, 8]\nlayers: [{type: relu}]\n", encoding="utf-8")
    command = [sys.executable, "-m", "archlab", "analyze", str(tmp_path / "n.yaml"), "--depth", "1"]
    expected = {"utf-8": "größe_√", "cp1252": "größe_?", "ascii": "gro?e_?"}
    for encoding, name in expected.items():
        done = subprocess.run(
            command, env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, check=True
        )
        assert done.stdout.decode(encoding).startswith(f"{name}: input")


def test_a_plain_locale_keeps_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    assert characters.shown("größe \u2500\u2588 2\u00d73 a\u2192b") == "größe -# 2x3 a->b"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert characters.shown("\u2500\u2588") == "\u2500\u2588"


def test_every_character_that_is_drawn_has_another() -> None:
    assert all(text.isascii() and letter not in text for letter, text in characters.DRAWN.items())


def test_a_dumb_terminal_gets_whole_lines() -> None:
    """A pseudo-terminal of 200 columns."""
    environment = {**os.environ, "TERM": "dumb", "COLUMNS": "200"}
    command = [sys.executable, "-m", "archlab", "analyze", "resnet18", "--depth", "1"]
    status, text = in_terminal(command, "stdout", environment)
    assert status == 0
    assert "\x1b" not in text
    assert any(re.match(r" layer1 +14 layers +1x64x56x56 +147,968 +462\.4 M ", line) for line in text.splitlines())
