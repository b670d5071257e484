"""`archlab schema`: the JSON Schema of the language."""

from __future__ import annotations

import argparse

from archlab.cli.output import TEXT, add_output
from archlab.cli.report import Report, text_report

FORMS = TEXT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file."""
    add_output(parser)


def run(_options: argparse.Namespace) -> Report:
    """The schema."""
    from archlab.config.schema import config_schema
    from archlab.report.json_text import json_text

    return text_report(json_text(config_schema()))
