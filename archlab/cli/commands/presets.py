"""`archlab presets`: the networks that come with archlab."""

from __future__ import annotations

import argparse
from functools import partial

from archlab.cli.forms import row_texts, rows_grid
from archlab.cli.output import ROWS, add_form
from archlab.cli.report import Report

FORMS = ROWS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The form."""
    add_form(parser)


def run(_options: argparse.Namespace) -> Report:
    """A row for each network."""
    from archlab.zoo.rows import preset_rows

    rows = preset_rows()
    return Report(row_texts(lambda: rows, lambda: {"presets": rows}), table=partial(rows_grid, rows))
