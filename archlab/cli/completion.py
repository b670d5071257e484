"""Scripts that complete commands, options, their choices, presets, devices and files, made from the parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from archlab.analysis.time.device import device_names
from archlab.config.tree.presets import preset_names

DEVICE_OPTIONS = ("--device", "--roofline")
OF_MODELS = ("verify", "measure", "receptive-field")
"""Commands whose `--device` is where a model runs."""


class Option(NamedTuple):
    """An option of a command.

    Attributes:
        name: with its dashes.
        text: of the help.
        takes: whether a value follows it.
        values: those that it can be, if they are known.
    """

    name: str
    text: str
    takes: bool
    values: tuple[str, ...]


Parsers = Mapping[str, argparse.ArgumentParser]
"""Of the commands, by their names."""


def script(shell: str, parsers: Parsers) -> str:
    """The script for bash, zsh or fish."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](parsers)


def options_of(command: str, parser: argparse.ArgumentParser) -> list[Option]:
    """The options of a command, each by its longest name."""
    return [option for action in parser._actions for option in _options(action, command)]  # noqa: SLF001


def _options(action: argparse.Action, command: str) -> Iterator[Option]:
    values = tuple(map(str, action.choices or ()))
    for name in action.option_strings:
        if name in DEVICE_OPTIONS and not (name == "--device" and command in OF_MODELS):
            values = tuple(device_names())
        if name.startswith("--") or name == "-o":
            yield Option(name, action.help or "", action.nargs != 0, values)


def _arguments(command: str) -> list[str]:
    """What can stand in place of a target, beside files."""
    if command == "completion":
        return ["bash", "zsh", "fish"]
    return [] if command in ("new", "fmt", "import", "schema") else preset_names()


_BASH = """# archlab completion bash
_archlab() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
  local words= options=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W %(commands)s -- "$word"))
    return
  fi
  case $command in
%(arguments)s
  esac
  case $before in
    %(files)s) words= options= ;;
  esac
  case $command:$before in
%(values)s
  esac
  case $word in
    -*) words= ;;
    *) options= ;;
  esac
  COMPREPLY=($(compgen -W "$words $options" -- "$word"))
}
complete -o default -F _archlab archlab
"""
"""What is no word is completed as a file's name, as bash does by default."""


def _bash(parsers: Parsers) -> str:
    options = {name: options_of(name, parser) for name, parser in parsers.items()}
    arguments, values, files = [], [], set()
    for name, own in options.items():
        names = _quoted([option.name for option in own])
        arguments.append(f"    {name}) words={_quoted(_arguments(name))}; options={names} ;;")
        values += [f"    {name}:{one.name}) words={_quoted(one.values)}; options= ;;" for one in own if one.values]
        files |= {one.name for one in own if one.takes}
    return _BASH % {
        "commands": _quoted(parsers),
        "arguments": "\n".join(arguments),
        "values": "\n".join(values),
        "files": "|".join(sorted(files)),
    }


def _quoted(words: Iterable[str]) -> str:
    return f"'{' '.join(words)}'"


def _zsh(parsers: Parsers) -> str:
    return _ZSH + _bash(parsers)


_ZSH = """# archlab completion zsh, by way of bash's
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
autoload -U +X bashcompinit && bashcompinit
"""
"""Without `compinit`, which most start files call, zsh completes nothing."""


def _fish(parsers: Parsers) -> str:
    lines = ["# archlab completion fish"]
    for name, parser in parsers.items():
        lines.append(
            f"complete -c archlab -n __fish_use_subcommand -f -a {name} -d {_fish_text(parser.description or '')}"
        )
    for name, parser in parsers.items():
        seen = f"complete -c archlab -n '__fish_seen_subcommand_from {name}'"
        if _arguments(name):
            lines.append(f"{seen} -a {_quoted(_arguments(name))}")
        for option in options_of(name, parser):
            flag = "-s o" if option.name == "-o" else f"-l {option.name[2:]}"
            takes = f" -x -a {_quoted(option.values)}" if option.values else " -r" if option.takes else ""
            lines.append(f"{seen} {flag}{takes} -d {_fish_text(option.text)}")
    return "\n".join(lines) + "\n"


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
