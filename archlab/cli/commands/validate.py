"""`archlab validate`: problems, and the figures that configs expect."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from archlab.cli.output import Forms
from archlab.cli.report import Report

if TYPE_CHECKING:
    from archlab.api.validate import Validation

FORMS = Forms({}, ("text", "json", "github", "sarif"), default="text")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Configs, and the form of their problems."""
    parser.add_argument(
        "--format",
        choices=FORMS.named,
        default=FORMS.default,
        help="for people (text), programs, GitHub's annotations, or code scanning",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a config, a folder of configs, a preset, or -")


def run(options: argparse.Namespace) -> Report:
    """The problems are the result."""
    from archlab.api.validate import config_paths, validate_all
    from archlab.cli.forms import problem_forms

    checked = validate_all(config_paths(options.paths))
    forms = problem_forms(checked, partial(_text, checked))
    return Report(forms, prose=("text",), ok=not any(found.problems for found in checked))


def _text(checked: list[Validation]) -> str:
    lines: list[str] = []
    for found in checked:
        noun = "network" if found.networks == 1 else "networks"
        fine = [f"{found.target}: ok ({found.networks} {noun})"]
        lines += [problem.render() for problem in found.problems] or fine
    return "\n".join(lines) + "\n"
