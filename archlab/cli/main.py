"""The command line: which command, its arguments, and what becomes of its errors."""

from __future__ import annotations

import argparse
import gc
import re
import shlex
import signal
import sys
from collections.abc import Sequence

from archlab.cli.characters import prepare_streams, shown
from archlab.cli.colours import coloured_problems
from archlab.cli.commands import COMMANDS, command_module
from archlab.cli.output import OK, WRONG_INPUT, UsageError, deliver, silence
from archlab.cli.parser import Parser
from archlab.cli.streams import fill_closed_streams
from archlab.cli.table_options import refuse_elsewhere, units_of
from archlab.files.inputs import STDIN_NAMES
from archlab.version import __version__


def entry() -> int:
    """The program: `main` in a process of its own."""
    fill_closed_streams()
    # A run makes many small objects and no cycles worth the collector's visits.
    gc.set_threshold(2_000_000)
    prepare_streams()
    status = main()
    gc.freeze()  # nor are they worth the last visit, when the process ends
    return status


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: without the program's name; the process's own by default.

    Returns:
        0 if all is well, 1 if the input or a check is wrong. Wrong usage exits with 2.
    """
    given = _joined(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        from archlab.cli.help import overview

        sys.stdout.write(shown(overview()))
        return OK
    parser = build_parser(next((word for word in given if not word.startswith("-")), None))
    options = parser.parse_args([_STDIN_VARIANT.sub("/dev/stdin@", argument) for argument in given])
    options.shown = shlex.join(["archlab", *given])
    if len([target for target in _targets(options) if target.partition("@")[0] in STDIN_NAMES]) > 1:
        (parser.own or parser).error("'-' stands for stdin, which can be read only once")
    try:
        return _run(options)
    except UsageError as error:
        (parser.own or parser).error(str(error))


def build_parser(command: str | None) -> Parser:
    """The command line, with the arguments of one command.

    Args:
        command: whose; where there is none of this name, all are known, by name and summary only.
    """
    parser = Parser(prog="archlab", description="Design and analyse convolutional networks written as YAML.")
    parser.add_argument("--version", action="version", version=f"archlab {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    # To make a parser takes argparse 0.2 ms; of some thirty one is asked.
    known = {command: COMMANDS[command]} if command and command in COMMANDS else COMMANDS
    for name, summary in known.items():
        own = commands.add_parser(name, help=summary)
        if name == command:
            command_module(name).add_arguments(own)
            own.command, own.summary = name, summary
            parser.own = own
    return parser


def _run(options: argparse.Namespace) -> int:
    """The command, its result delivered."""
    from archlab.cli.spelling import OptionSpelling
    from archlab.diagnostics.problem import ConfigError
    from archlab.diagnostics.requirements import MissingRequirementError
    from archlab.diagnostics.spelling import spelled
    from archlab.files.inputs import remembered_inputs

    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # as `__main__` leaves it while modules are imported
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command = command_module(options.command)
    path = getattr(options, "write_to", None)
    form = command.FORMS.chosen(getattr(options, "format", None), path)
    refuse_elsewhere(options, form, getattr(command, "CHOSEN", ()))
    try:
        with remembered_inputs(), spelled(OptionSpelling()), units_of(options):
            return deliver(command.run(options), form, path)
    except ConfigError as error:
        sys.stderr.write(f"{coloured_problems(str(error))}\n")
        return WRONG_INPUT
    except MissingRequirementError as error:
        sys.stderr.write(f"archlab: {coloured_problems(str(error))}\n")
        return WRONG_INPUT
    except BrokenPipeError:
        silence()  # the reader has gone (`| head`)
        return OK
    except KeyboardInterrupt:
        return 130


_STDIN_VARIANT = re.compile(r"\A-@")
"""A variant of the config on stdin, which argparse would take for an option."""


def _joined(arguments: Sequence[str]) -> list[str]:
    """`--sort -macs` as `--sort=-macs`, since argparse takes what begins with a dash for an option."""
    found: list[str] = []
    for word in arguments:
        if found and found[-1] == "--sort" and re.match(r"-[a-z]", word):
            found[-1] = f"--sort={word}"
        else:
            found.append(word)
    return found


def _targets(options: argparse.Namespace) -> list[str]:
    """The targets and paths of any command."""
    given = vars(options)
    several = [*given.get("targets", ()), *given.get("paths", ())]
    return [*several, *[given[name] for name in ("target", "before", "after") if given.get(name) is not None]]
