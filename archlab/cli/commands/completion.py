"""`archlab completion`: a script that completes words in a shell."""

from __future__ import annotations

import argparse

from archlab.cli.commands import COMMANDS, command_module
from archlab.cli.output import TEXT, add_output
from archlab.cli.report import Report

FORMS = TEXT
SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The shell."""
    parser.add_argument("shell", choices=SHELLS, metavar="bash|zsh|fish", help="for which shell")
    parser.description = "Print it into the shell's start-up file, or where the shell looks for completions."
    add_output(parser)


def run(options: argparse.Namespace) -> Report:
    """The script."""
    from archlab.cli.completion import script

    return Report({"text": lambda: script(options.shell, parsers())})


def parsers() -> dict[str, argparse.ArgumentParser]:
    """A parser of each command's arguments, with its summary."""
    found: dict[str, argparse.ArgumentParser] = {}
    for name, summary in COMMANDS.items():
        found[name] = argparse.ArgumentParser(prog=name)
        command_module(name).add_arguments(found[name])
        found[name].description = summary
    return found
