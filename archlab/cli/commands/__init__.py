"""The commands: a module each, with `FORMS`, `add_arguments` and `run`, imported when it is the one that runs.

To add one, write its module here and its line into `GROUPS` (`cli/groups.py`),
and two examples of it into `cli/examples.py`.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from keyword import iskeyword
from typing import Any, Protocol, cast

from archlab.cli.groups import COMMANDS
from archlab.cli.output import Forms
from archlab.cli.report import Report

__all__ = ["COMMANDS", "Command", "command_module"]


class Command(Protocol):
    """What a command's module has."""

    FORMS: Forms
    """Of its result."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Its arguments and options."""

    def run(self, options: argparse.Namespace) -> Report:
        """What it does."""


def command_module(name: str) -> Command:
    """The module of a command."""
    word = name.replace("-", "_")
    module: Any = import_module(f"{__name__}.{word}_" if iskeyword(word) else f"{__name__}.{word}")
    return cast(Command, module)
