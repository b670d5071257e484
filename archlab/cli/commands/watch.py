"""`archlab watch`: the numbers of a config again whenever it is saved, with what changed."""

from __future__ import annotations

import argparse
import gc
import select
import sys
import time
from contextlib import suppress
from typing import NamedTuple, NoReturn

from archlab.analysis.conditions import Conditions
from archlab.analysis.difference import Difference
from archlab.api.analysis import Analysis
from archlab.api.expect import check_expect
from archlab.api.network import Network
from archlab.cli.characters import shown
from archlab.cli.options import add_deploy, add_fold_depth, add_network, add_training, conditions_of, load_network
from archlab.cli.output import Forms, is_terminal
from archlab.cli.report import Report
from archlab.cli.table_options import add_table, view_of
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import printable
from archlab.diagnostics.problem import ConfigError, Problems, TooManyProblemsError, single_problem
from archlab.diagnostics.words import counted
from archlab.files.inputs import STDIN_NAMES
from archlab.files.states import States, sought_files, states_now, wait_for_change
from archlab.imports.targets import reader_of
from archlab.report.difference import difference_text

FORMS = Forms({})
"""A table, again and again."""

CLEAR = "\x1b[H\x1b[2J"
"""To the first line, and nothing behind it."""
PLAIN = "\x1b[0m"
"""No colour, if writing one was interrupted."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A config, how it is looked at, and whether the terminal is cleared."""
    add_network(parser)
    add_deploy(parser)
    parser.add_argument("target", metavar="FILE", help="a YAML path, path@variant, or the name of a preset or variant")
    parser.description = (
        "Prints the table of 'archlab analyze', and prints it again whenever FILE or a file that it extends is saved, "
        "with what changed since the last version that was a network. Ctrl-C ends it."
    )
    add_training(parser)
    add_fold_depth(parser, 2)
    add_table(parser, "params,macs,receptive-field,...")
    parser.add_argument("--no-clear", action="store_true", help="write below what is there, as in a pipe")


def run(options: argparse.Namespace) -> Report:
    """Until Ctrl-C; nothing is left to deliver then.

    Raises:
        ConfigError: for what names no file.
    """
    _check_target(options.target)
    gc.set_threshold(100_000)  # a process that goes on is no single run
    try:
        _watch(options)
    except KeyboardInterrupt:
        if is_terminal():
            sys.stdout.write(f"{PLAIN}\n")  # behind the terminal's ^C
    return Report({"table": str})


def _check_target(target: str) -> None:
    if target.partition("@")[0] in STDIN_NAMES:
        raise single_problem("watch looks at a file; stdin is read once", Code.WRONG_VALUE)
    if reader_of(target) is not None:
        hint = f"archlab import {target} -o net.yaml writes it as one"
        raise single_problem(f"watch looks at a config, and {target} is none; {hint}", Code.WRONG_VALUE)


class _Version(NamedTuple):
    """What a look at the files gave.

    Attributes:
        analysis: None where they are no network.
        parts: the table and the figures that are not as expected, or the problems.
        states: of the files.
    """

    analysis: Analysis | None
    parts: list[str]
    states: States


def _watch(options: argparse.Namespace) -> NoReturn:
    last_good: _Version | None = None
    is_broken = False
    clears = is_terminal() and not options.no_clear
    while True:
        # where a file is broken it is not known what it extends: that is looked at as before
        states = {} if last_good is None else states_now(last_good.states)
        version = _look(options)
        states = version.states if version.analysis is not None else {**states, **version.states}
        change = _change(last_good, version, options.target, is_broken=is_broken)
        _show([*version.parts, *change, _foot(options.target, states)], clears=clears)
        is_broken = version.analysis is None
        last_good = last_good if is_broken else version
        wait_for_change(states, _require_reader)


def _require_reader() -> None:
    """Go on only while somebody can read what is written.

    Raises:
        BrokenPipeError: where nobody can: the other end of the pipe is closed, or the terminal.
    """
    if hasattr(select, "poll"):
        gone = select.poll()
        gone.register(sys.stdout.fileno(), 0)  # errors are told without being asked for
        if any(events & (select.POLLERR | select.POLLHUP) for _, events in gone.poll(0)):
            raise BrokenPipeError


def _look(options: argparse.Namespace) -> _Version:
    """The network as it is now, or what is wrong with it.

    Raises:
        ConfigError: if there is no file to look at.
    """
    from archlab.report.table import analysis_table

    with sought_files() as sought:
        try:
            network = load_network(options.target, options)
            analysis = network.analyze(conditions_of(options))
            table = analysis_table(analysis, options.depth, view_of(options), colour=is_terminal())
            return _Version(analysis, [table, *_unexpected(network, analysis, options)], sought)
        except ConfigError as error:
            if not sought:  # the name of no file: nothing that is saved can mend it
                raise
            return _Version(None, [f"{error}\n"], sought)


def _unexpected(network: Network, analysis: Analysis, options: argparse.Namespace) -> list[str]:
    """Figures that are not as the config expects them, where it is looked at as it is written."""
    expect = network.document.expect if network.variant is None else network.variant.expect
    if expect is None or options.set or options.input or options.deploy or analysis.conditions != Conditions():
        return []
    problems = Problems()
    with suppress(TooManyProblemsError):  # those that there are by then are told
        check_expect(expect, analysis, problems)
    return [f"{ConfigError(problems.found)}\n"] if problems.found else []


def _change(before: _Version | None, after: _Version, target: str, *, is_broken: bool) -> list[str]:
    """What is another since the last version that was a network.

    Args:
        before: that version.
        after: this one.
        target: as given.
        is_broken: whether there were versions between the two.
    """
    if before is None or before.analysis is None or after.analysis is None:
        return []
    since = f"since {target} was last a network" if is_broken else "since the last version"
    difference = Difference(before.analysis, after.analysis)
    text = difference_text(difference, names=("before", "now"), short=True, colour=is_terminal())
    return [f"{since}:\n{text}"]


def _foot(target: str, states: States) -> str:
    """When this was, and which files are looked at."""
    others = len({state for state in states.values() if state is not None}) - 1
    extended = f" and {counted(others, 'file')} that it extends" if others > 0 else ""
    return f"{time.strftime('%H:%M:%S')}  watching {printable(target)}{extended}; Ctrl-C ends\n"


def _show(parts: list[str], *, clears: bool) -> None:
    """Write a version, in place of the last one or behind it."""
    text = shown("\n".join(parts))
    sys.stdout.write(f"{CLEAR}{text}" if clears else f"{text}\n")
    sys.stdout.flush()
