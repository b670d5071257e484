"""`archlab diff`: what changed between two networks."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from archlab.cli.forms import json_form
from archlab.cli.options import (
    TARGET,
    add_network,
    analyze_target,
    given_changes,
    load_each,
    shared_notes,
)
from archlab.cli.output import Forms, add_form
from archlab.cli.report import Report
from archlab.cli.targets import tell_apart
from archlab.diagnostics.codes import Code

if TYPE_CHECKING:
    from archlab.analysis.difference import Difference

FORMS = Forms({".txt": "table", ".json": "json"}, ("table", "json"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two networks."""
    add_network(parser)
    add_form(parser, FORMS)
    parser.add_argument("before", metavar="A", help=TARGET)
    parser.add_argument("after", metavar="B", help=TARGET)


def run(options: argparse.Namespace) -> Report:
    """The totals and the layers that differ."""
    from archlab.analysis.difference import Difference

    targets = [options.before, options.after]
    _require_two(options)
    both = load_each(targets, lambda target: analyze_target(target, options))
    tell_apart([analysis.graph for analysis in both], targets)
    difference = Difference(*both)
    return Report(
        {"json": partial(json_form, difference.to_dict)},
        table=partial(_table, difference),
        notes=shared_notes(options, targets),
    )


def _require_two(options: argparse.Namespace) -> None:
    """Refuse one target twice under options that change both alike."""
    given = given_changes(options)
    if options.before == options.after and given:
        from archlab.diagnostics.problem import single_problem

        raise single_problem(
            f"{', '.join(given)} applies to both targets, and {options.before} is given twice, so that nothing can "
            "differ; give the values to a variant in the file, and compare with FILE.yaml@VARIANT",
            Code.WRONG_VALUE,
        )


def _table(difference: Difference, colour: bool) -> str:  # noqa: FBT001 - what a report's table is given
    from archlab.report.difference import difference_text

    return difference_text(difference, colour=colour)
