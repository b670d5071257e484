"""`archlab diff`: what changed between two networks."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from archlab.cli.forms import json_form
from archlab.cli.options import SEVERAL, TARGET, add_network, analyze_target, load_each
from archlab.cli.output import Forms, UsageError, add_form
from archlab.cli.report import Report
from archlab.cli.targets import Request, requested, shared_notes, tell_apart
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem

if TYPE_CHECKING:
    from archlab.analysis.difference import Difference

FORMS = Forms({".txt": "table", ".json": "json"}, ("table", "json"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two networks."""
    add_network(parser)
    add_form(parser, FORMS)
    parser.add_argument("before", metavar="A", help=TARGET)
    parser.add_argument("after", metavar="B", nargs="?", help="the same; without it A is compared with itself by --set")
    parser.add_argument("--each", action="store_true", help="every layer by itself, also those that changed alike")
    parser.epilog = f"{SEVERAL} With A alone, --set width=1 compares it as written with that value."


def run(options: argparse.Namespace) -> Report:
    """The totals and the layers that differ."""
    from archlab.analysis.difference import Difference

    requests = _both(options)
    both = load_each(requests, lambda request: analyze_target(request.target, request.options(options)))
    tell_apart([analysis.graph for analysis in both], requests)
    difference = Difference(*both)
    return Report(
        {"json": partial(json_form, difference.to_dict)},
        table=partial(_table, difference, options.each),
        notes=shared_notes(options, requests),
    )


def _both(options: argparse.Namespace) -> list[Request]:
    """The two networks.

    Raises:
        UsageError: for one target alone without values.
        ConfigError: for values that make more than two, or that leave no difference.
    """
    before, after = options.before, options.after
    if after is None and not options.set:
        raise UsageError(f"diff compares two networks; give another one, or a value of {before}: --set K=V")
    alone = after is None or after == before
    found = requested([before] if alone else [before, after], options)
    if alone and len(found) == 1:
        (own,) = found
        if after is not None:
            _refuse_values(before, options)
            return [own, own]
        return [own._replace(settings=()), own._replace(told_by=own.settings)]
    if len(found) != 2:
        message = f"diff compares two networks, and the values of --set make {len(found)}; compare has a row for each"
        raise single_problem(message, Code.WRONG_VALUE)
    return found


def _refuse_values(target: str, options: argparse.Namespace) -> None:
    """Refuse one target twice under options that change both alike."""
    given = [f"--set {setting}" for setting in options.set]
    given += [] if options.input is None else [f"--input {options.input}"]
    if given:
        raise single_problem(
            f"{', '.join(given)} applies to both targets, and {target} is given twice, so that nothing can differ; "
            f"'archlab diff {target} --set K=V' compares it as written with that value, '--set K=V --set K=W' two "
            "values, and FILE.yaml@VARIANT those of a variant in the file",
            Code.WRONG_VALUE,
        )


def _table(difference: Difference, each: bool, colour: bool) -> str:  # noqa: FBT001 - what a report's table is given
    from archlab.report.difference import difference_text

    return difference_text(difference, each=each, colour=colour)
