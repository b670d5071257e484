"""`archlab presets`: the networks that come with archlab."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from archlab.cli.forms import row_texts
from archlab.cli.output import ROWS, add_form
from archlab.cli.report import Report
from archlab.cli.table_options import add_table, view_of

if TYPE_CHECKING:
    from archlab.analysis.row import Row

FORMS = ROWS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which of them, and the form."""
    parser.add_argument("patterns", nargs="*", metavar="NAME", help="names or patterns, such as 'mobile*' (all)")
    add_form(parser)
    add_table(parser, "params,macs,description,...")


def run(options: argparse.Namespace) -> Report:
    """A row for each network."""
    from archlab.zoo.rows import preset_rows, presets_table

    rows, view = preset_rows(options.patterns), view_of(options)
    return Report(
        row_texts(lambda: _numbers(rows), lambda: {"presets": rows}),
        table=lambda colour: presets_table(rows, view, colour=colour),
    )


def _numbers(rows: list[Row]) -> list[Row]:
    """The rows without their descriptions, as CSV and Markdown have them."""
    return [{key: value for key, value in row.items() if key != "description"} for row in rows]
