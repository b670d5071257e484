"""A parser of command lines that says what to write instead, and the types of its arguments."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

from archlab.diagnostics.suggest import did_you_mean

DTYPE_HABITS = {
    "half": "float16",
    "fp16": "float16",
    "f16": "float16",
    "float": "float32",
    "single": "float32",
    "fp32": "float32",
    "f32": "float32",
    "bf16": "bfloat16",
    "brain": "bfloat16",
    "i8": "int8",
    "char": "int8",
    "qint8": "int8",
}
"""Names that other programs give to dtypes."""


_ANY_WIDTH = 80


class Parser(argparse.ArgumentParser):
    """argparse's, with the nearest word for one that is not known, short errors, and a help with examples.

    Attributes:
        command: whose arguments it has; empty of a command that does not run.
        summary: what the command does.
        own: of the whole command line: the parser of the command that runs.
    """

    command = ""
    summary = ""
    own: Parser | None = None

    def __init__(self, **options: Any) -> None:
        # For every argument argparse makes a formatter, which asks for the terminal's width; only a help needs that.
        super().__init__(**options, formatter_class=partial(argparse.HelpFormatter, width=_ANY_WIDTH))

    def format_help(self) -> str:
        """Usage, description and options, then examples."""
        self.formatter_class = argparse.HelpFormatter
        if not self.command:
            return super().format_help()
        from archlab.cli.help import describe, tail

        describe(self, self.summary)
        return f"{super().format_help()}\n{tail(self.command)}"

    def error(self, message: str) -> NoReturn:
        """What is wrong, and in one line how the command is called."""
        from archlab.cli.colours import coloured_error
        from archlab.cli.help import usage

        called = usage(self) if self.command else f"{self.prog} COMMAND ... [options]"
        self.exit(2, f"{coloured_error(self.prog, message)}\nusage: {called}; {self.prog} --help says more\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Refuse an option that is not known where it stands, so that its command's usage is shown."""
        known, rest = super().parse_known_args(args, namespace)
        for word in rest:
            if word.startswith("--"):
                self._unknown_option(word.partition("=")[0])
        return known, rest

    def _unknown_option(self, word: str) -> NoReturn:
        options = [name for action in self._actions for name in action.option_strings]
        hint = did_you_mean(word, options) or f"; {self.prog} --help lists the options"
        self.error(f"there is no option '{word}'{hint}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        words = [str(choice) for choice in action.choices]
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - argparse has no other name for it
            message = f"there is no command '{value}'{_command_hint(str(value), words)}"
        else:
            message = f"must be one of {', '.join(words)}, not '{value}'{did_you_mean(str(value), words)}"
        raise argparse.ArgumentError(action, message)


def _command_hint(word: str, commands: Sequence[str]) -> str:
    from archlab.config.tree.presets import preset_names

    if word.endswith((".yaml", ".yml")) or word.partition("@")[0] in preset_names():
        return f"; did you mean 'archlab analyze {word}'?"
    return did_you_mean(word, commands) or f"; there are {', '.join(commands)}"


def dtype(text: str) -> str:
    """A dtype's name; PyTorch's `torch.float16` too."""
    word = text.removeprefix("torch.")
    meant = DTYPE_HABITS.get(word.lower())
    if meant is not None:
        raise argparse.ArgumentTypeError(f"there is no dtype '{text}'; write {meant}")
    return word.lower()


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if text.isascii() and text.isdigit() and len(text) <= 9 and int(text) >= 1:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not '{text}'{_whole(text)}")


def _whole(text: str) -> str:
    """What to write for `1e3` or `1,000`."""
    try:
        value = float(text.replace(",", "").replace("_", "")) if text.isascii() and len(text) < 20 else 0.0
    except ValueError:
        return ""
    return f"; write {int(value)}" if 1 <= value < 10**9 and value.is_integer() else ""


def size_in_bytes(text: str) -> int:
    """`24GiB` or `16 GB` in bytes."""
    from archlab.config.syntax.quantity import BYTES, QuantityError, parse_quantity

    try:
        return int(parse_quantity(text, BYTES))
    except QuantityError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
