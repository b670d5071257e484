"""`archlab lint`: what design rules find in networks that are valid."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from archlab.cli.output import Forms
from archlab.cli.report import Report
from archlab.diagnostics.words import counted

if TYPE_CHECKING:
    from archlab.api.validate import Validation
    from archlab.diagnostics.problem import Problem

FORMS = Forms({}, ("text", "json", "github", "sarif"), default="text")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Networks, which rules, and the form of what they find."""
    parser.description = (
        "What rules find are warnings, with which the command ends well (exit 0) unless --strict is given. "
        "A config switches a rule off by '# lint: off RULE' on an item's first line, on a line above it, or, for the "
        "whole file, in front of its first key. docs/lint.md has all rules."
    )
    parser.add_argument("--only", action="append", default=[], metavar="RULE", help="this rule (can be repeated)")
    parser.add_argument("--off", action="append", default=[], metavar="RULE", help="not this rule (can be repeated)")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a rule finds anything")
    parser.add_argument("--rules", action="store_true", help="tell what the rules are, instead")
    parser.add_argument(
        "--format",
        choices=FORMS.named,
        default=FORMS.default,
        help="for people (text), programs, GitHub's annotations, or code scanning",
    )
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="TARGET",
        help="a config (all its variants) or FILE@VARIANT, a folder of configs, a preset, an imported network, or -",
    )


def run(options: argparse.Namespace) -> Report:
    """What was found is the result."""
    from archlab.api.lint import chosen_rules, lint_all
    from archlab.api.validate import config_paths
    from archlab.cli.forms import problem_forms
    from archlab.cli.output import UsageError

    rules = chosen_rules(options.only, options.off)
    if options.rules:
        meanings = "".join([f"{rule.name}: {rule.name.meaning}\n" for rule in rules])
        return Report({"text": lambda: meanings}, prose=("text",))
    if not options.paths:
        raise UsageError("give at least one TARGET (a config, a folder, a preset), or --rules")
    linted = lint_all(config_paths(options.paths), rules)
    problems: list[Problem] = [problem for found in linted for problem in found.problems]
    return Report(
        problem_forms(linted, partial(_text, linted)),
        prose=("text",),
        ok=not [problem for problem in problems if options.strict or problem.code.level == "error"],
    )


def _text(linted: list[Validation]) -> str:
    lines: list[str] = []
    for found in linted:
        fine = f"{found.target}: nothing to remark ({counted(found.networks, 'network')})"
        lines += [problem.render() for problem in found.problems] or [fine]
    return "\n".join(lines) + "\n"
