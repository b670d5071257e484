"""What `--help` says beside the options: the commands in groups, examples, and pages of the docs."""

from __future__ import annotations

import argparse
import shutil
from textwrap import wrap

from archlab.cli.examples import EXAMPLES, PAGES
from archlab.cli.groups import GROUPS

LEAST, MOST = 30, 100
"""Columns that a help is fitted to."""


def overview() -> str:
    """The help of `archlab` alone."""
    width = max(min(shutil.get_terminal_size().columns - 1, MOST), LEAST)
    longest = max(len(name) for commands in GROUPS.values() for name in commands)
    lines = [
        "usage: archlab COMMAND ... [options]",
        "",
        *wrap(
            "Write a CNN as a short YAML file, and know what it costs and what it sees before it is trained; then "
            "build it in PyTorch, and prove that every number was right.",
            width,
        ),
    ]
    for group, commands in GROUPS.items():
        lines += ["", group]
        for name, summary in commands.items():
            indent = " " * (longest + 4)
            first = f"  {name:<{longest}}  "
            lines += wrap(summary, width, initial_indent=first, subsequent_indent=indent)
    lines += ["", "try"]
    lines += [
        "  archlab analyze resnet50",
        "  archlab new mynet && archlab analyze mynet.yaml",
        "  archlab COMMAND --help        its options, with examples",
        "  archlab --version",
    ]
    return "\n".join(lines) + "\n"


def usage(parser: argparse.ArgumentParser) -> str:
    """`archlab analyze TARGET [options]`."""
    words = [parser.prog]
    for action in parser._actions:  # noqa: SLF001 - argparse has no other name for it
        if not action.option_strings:
            words.append(_positional(action))
        elif action.required:
            words.append(f"{action.option_strings[0]} {action.metavar or action.dest.upper()}")
    return " ".join([*words, "[options]"])


def _positional(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest.upper())
    if action.nargs == "?":
        return f"[{name}]"
    return {"*": f"[{name} ...]", "+": f"{name} ..."}.get(str(action.nargs), name)


def describe(parser: argparse.ArgumentParser, summary: str) -> None:
    """Give a command's parser its usage, its description and the texts behind its options.

    Args:
        parser: with the command's arguments.
        summary: what it does.
    """
    for action in parser._actions:  # noqa: SLF001 - argparse has no other name for it
        if not action.option_strings and action.metavar is None:
            action.metavar = action.dest.upper()
    parser._positionals.title = "arguments"  # noqa: SLF001 - nor for this
    parser.usage = usage(parser)
    sentence = f"{summary[0].upper()}{summary[1:]}."
    parser.description = f"{sentence} {parser.description}" if parser.description else sentence


def tail(command: str) -> str:
    """The examples of a command, and its page."""
    lines = ["examples:", *(f"  {example}" for example in EXAMPLES[command]), "", f"{PAGES[command]} says more."]
    return "\n".join(lines) + "\n"
