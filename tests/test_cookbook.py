"""The cookbook: twelve tasks, whose commands can be given as they stand; `test_docs` runs those with a `$`."""

from __future__ import annotations

import re
import shlex

import pytest

from archlab.cli.main import build_parser
from tests.test_docs import BLOCK, ROOT

PAGE = (ROOT / "docs" / "cookbook.md").read_text()
COMMANDS = [line for kind, text in BLOCK.findall(PAGE) if kind == "sh" for line in text.splitlines()]
INLINE = re.findall(r"`(archlab [a-z-]+ [^`]+)`", PAGE)


def test_there_are_twelve_tasks_each_with_commands() -> None:
    tasks = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    assert [task.split(".")[0] for task in tasks] == [str(number) for number in range(1, 13)]
    assert all("archlab " in task for task in tasks)


@pytest.mark.parametrize("command", [*COMMANDS, *INLINE])
def test_the_commands_are_understood(command: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "archlab"
    build_parser(arguments[0]).parse_args(arguments)
