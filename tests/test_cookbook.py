"""The cookbook: twelve tasks, whose commands can be given as they stand; `test_docs` runs those with a `$`."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from archlab.cli.main import main
from tests.test_docs import BLOCK, ROOT

PAGE = (ROOT / "docs" / "cookbook.md").read_text()
COMMANDS = [line for kind, text in BLOCK.findall(PAGE) if kind == "sh" for line in text.splitlines()]
INSTEAD = {"archlab build resnet50 -o resnet50.onnx": "archlab build squeezenet1_1 -o resnet50.onnx"}
"""A smaller network where the page's takes long: `test_onnx` builds such networks, here the command is what counts."""
INLINE = re.findall(r"`(archlab [a-z-]+ [^`]+)`", PAGE)


def test_there_are_twelve_tasks_each_with_commands() -> None:
    tasks = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    assert [task.split(".")[0] for task in tasks] == [str(number) for number in range(1, 13)]
    assert all("archlab " in task for task in tasks)


@pytest.mark.usefixtures("translations")
def test_the_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One after another, as the page has them, in a folder where the two configs of `diff` are."""
    for module in ("torchvision", "onnx", "matplotlib"):
        pytest.importorskip(module)
    monkeypatch.chdir(tmp_path)
    for name, source in (("before", "resnet18"), ("after", "resnet34")):
        assert main(["new", name, "--from", source]) == 0
    in_order = sorted([*COMMANDS, *INLINE], key=PAGE.index)
    assert len(in_order) > 12
    for command in in_order:
        program, *arguments = shlex.split(INSTEAD.pop(command, command))
        assert program == "archlab"
        assert main(arguments) == 0, (command, capsys.readouterr().err)
    written = {path.name for path in tmp_path.iterdir()}
    assert written > {"seen.png", "dilated.svg", "dilated.html", "mine.yaml", "resnet50.py", "resnet50.onnx"}
