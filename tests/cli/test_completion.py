"""The completion scripts in the shells that they are for; those that are not there are left out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from archlab.cli.commands.completion import parsers
from archlab.cli.completion import script
from tests.terminal import Shell

READY = "archlab-is-ready"


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completion")
    for shell in ("zsh", "fish"):
        (folder / shell).write_text(script(shell, parsers()), encoding="utf-8")
    return folder


def environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "xterm", "LC_ALL": "C.UTF-8"}


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish on this machine")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("archlab an", {"analyze"}),
        ("archlab analyze resnet10", {"resnet101", "resnet101_slim"}),
        ("archlab compare alexnet --opt", {"--optimizer"}),
        ("archlab analyze --dtype fl", {"float16", "float32"}),
        ("archlab time --device a10", {"a100"}),
        ("archlab completion ", {"bash", "fish", "zsh"}),
    ],
)
def test_fish_completes(line: str, offered: set[str], scripts: Path, tmp_path: Path) -> None:
    command = ["fish", "--no-config", "-c", f"source {scripts / 'fish'}; complete -C '{line}'"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path, env=environment(tmp_path))
    assert done.stderr == ""
    assert {found.partition("\t")[0] for found in done.stdout.splitlines()} == offered


@pytest.fixture(scope="module")
def zsh(scripts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    home = tmp_path_factory.mktemp("home")
    start = home / "start"
    start.write_text(
        f"source {scripts / 'zsh'}\n"
        'told() { print -r -- "<<$BUFFER>>"; BUFFER= }\n'  # what the line has become, as the shell has it
        f"zle -N told\nbindkey '^X' told\nprint {READY}\n"
    )
    shell = Shell(["zsh", "-f", "-i"], environment(home))
    seen = shell.type(f"cd {home}; source ./start\n", READY)
    assert READY in seen
    assert "not found" not in seen
    yield shell
    shell.close()


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh on this machine")
@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("archlab an", "archlab analyze"),
        ("archlab analyze resnet10", "archlab analyze resnet101"),
        ("archlab compare alexnet --opt", "archlab compare alexnet --optimizer"),
        ("archlab analyze --dtype fl", "archlab analyze --dtype float"),
        ("archlab time --device a10", "archlab time --device a100"),
        ("archlab receptive-field resnet18 --proj", "archlab receptive-field resnet18 --projective"),
    ],
)
def test_zsh_completes(typed: str, becomes: str, zsh: Shell) -> None:
    """The Tab key, and then what the line has become."""
    seen = zsh.type(f"{typed}\t\x18", ">>")
    assert f"<<{becomes}" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
