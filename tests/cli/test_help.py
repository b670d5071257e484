"""Help, examples, completion and errors of the command line."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from archlab.cli.colours import coloured_problems
from archlab.cli.commands.completion import parsers
from archlab.cli.completion import options_of, script
from archlab.cli.examples import EXAMPLES, PAGES
from archlab.cli.groups import COMMANDS, GROUPS
from archlab.cli.main import build_parser
from archlab.config.tree.presets import preset_names
from tests.command import run
from tests.terminal import in_terminal

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["-h", "analyze"]], ids=str)
def test_archlab_alone_lists_the_commands_in_groups(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    for group, commands in GROUPS.items():
        start = lines.index(group)
        assert [line.split()[0] for line in lines[start + 1 :] if line[:3].strip()][: len(commands)] == list(commands)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_list_fits(width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = run(capsys)[1].splitlines()
    assert all(len(line) < width or "archlab" in line for line in lines)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_help_has_two_examples_that_parse_and_a_page(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, command, "--help")
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: archlab {command}")
    assert (ROOT / PAGES[command]).is_file()
    assert f"{PAGES[command]} says more." in out
    first, second = EXAMPLES[command]
    assert first != second
    for example in (first, second):
        assert f"\n  {example}\n" in out
        words = shlex.split(example.removeprefix("source <(").partition(" >")[0].rstrip(")"))
        assert words[:2] == ["archlab", command]
        assert build_parser(command).parse_args(words[1:]).command == command


def test_errors_of_usage_are_short(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "analyze", "resnet18", "--bacth", "2")
    assert (status, out) == (2, "")
    assert err.splitlines() == [
        "archlab analyze: error: there is no option '--bacth'; did you mean '--batch'?",
        "usage: archlab analyze TARGET [options]; archlab analyze --help says more",
    ]


def test_sorting_downwards_needs_no_equals_sign(capsys: pytest.CaptureFixture[str]) -> None:
    both = [run(capsys, "compare", "alexnet", "vgg11", *sort)[1] for sort in (["--sort", "-macs"], ["--sort=-macs"])]
    assert both[0] == both[1]
    assert both[0].index("vgg11") < both[0].index("alexnet")


def completed(*words: str) -> list[str]:
    """What bash offers for the last word."""
    line = " ".join(shlex.quote(word) for word in ("archlab", *words))
    program = f"{script('bash', parsers())}\nCOMP_WORDS=({line})\nCOMP_CWORD={len(words)}\n_archlab\n"
    program += 'printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", program], check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("an",), ["analyze"]),
        (("analyze", "resnet10"), ["resnet101", "resnet101_slim"]),
        (("compare", "alexnet", "--opt"), ["--optimizer"]),
        (("analyze", "--dtype", "fl"), ["float32", "float16"]),
        (("time", "--device", "a10"), ["a100"]),
        (("receptive-field", "--device", "a10"), []),  # where the model runs
        (("analyze", "-o", "res"), []),  # a file, which bash completes itself
        (("completion", ""), ["bash", "zsh", "fish"]),
    ],
)
def test_bash_completes(words: tuple[str, ...], offered: list[str]) -> None:
    assert completed(*words) == offered


def test_all_scripts_know_every_command_and_option() -> None:
    known = parsers()
    for shell in ("bash", "zsh", "fish"):
        text = script(shell, known)
        for command in COMMANDS:
            assert command in text
            for option in options_of(command, known[command]):
                assert option.name.lstrip("-") in text
        assert all(name in text for name in preset_names())


def stderr_in_a_terminal(*arguments: str, **environment: str) -> str:
    variables = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    command = [sys.executable, "-m", "archlab", *arguments]
    return in_terminal(command, "stderr", {**variables, "TERM": "xterm", **environment})[1]


def test_errors_are_in_colour_on_a_terminal_alone(capsys: pytest.CaptureFixture[str]) -> None:
    bad = str(ROOT / "tests" / "bad_configs" / "one_mistake_in_a_repeated_block.yaml")
    plain = run(capsys, "analyze", bad)[2]
    assert "\x1b" not in plain
    shown = stderr_in_a_terminal("analyze", bad)
    assert "\x1b[1;31m^~~" in shown
    assert stderr_in_a_terminal("analyze", bad, NO_COLOR="1").replace("\r\n", "\n") == plain
    assert coloured_problems("text") == "text"
