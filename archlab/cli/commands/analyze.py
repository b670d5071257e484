"""`archlab analyze`: the numbers of one network, layer by layer."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from archlab.cli.forms import charts, page, row_texts, workbook
from archlab.cli.options import (
    CHARTS,
    TARGET,
    add_deploy,
    add_fold_depth,
    add_network,
    add_page,
    add_training,
    analyze_target,
)
from archlab.cli.output import PAGES, ROWS, TEXTS, add_form
from archlab.cli.report import Report, Text
from archlab.cli.table_options import add_table, is_chosen, view_of

if TYPE_CHECKING:
    from archlab.analysis.row import Row
    from archlab.api.analysis import Analysis
    from archlab.report.columns import View

FORMS = ROWS._replace(endings={**TEXTS, **PAGES})
CHOSEN = ("latex", "markdown")
"""Forms that take `--columns`, `--units` and `--sort`, too: as people read them, not in full."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A network, how it is trained, and the page."""
    add_network(parser)
    add_deploy(parser)
    add_form(parser)
    parser.add_argument("target", help=TARGET)
    add_training(parser)
    add_page(parser, CHARTS[1:])
    add_fold_depth(parser, 2)
    add_table(parser, "params,macs,receptive-field,...; also buffers, activations, of-all-macs")


def run(options: argparse.Namespace) -> Report:
    """Every form of the analysis."""
    analysis = analyze_target(options.target, options)
    return Report(
        {
            **row_texts(partial(_rows, analysis), analysis.to_dict, by_layer=True),
            "markdown": partial(_markdown, analysis),
            "html": partial(page, [analysis], options, options.depth),
            "latex": partial(_latex, analysis),
            **(_chosen(analysis, view_of(options)) if is_chosen(options) else {}),
        },
        table=partial(_table, analysis, options.depth, view_of(options)),
        files={"xlsx": partial(workbook, "layers", partial(_rows, analysis))},
        beside=charts([analysis], options),
    )


def _rows(analysis: Analysis) -> list[Row]:
    from archlab.report.rows import layer_rows

    return layer_rows(analysis)


def _table(analysis: Analysis, depth: int | None, view: View, colour: bool) -> str:  # noqa: FBT001 - as a report has it
    from archlab.report.table import analysis_table

    return analysis_table(analysis, depth, view, colour=colour)


def _markdown(analysis: Analysis) -> str:
    from archlab.report.markup import analysis_markdown

    return analysis_markdown(analysis)


def _chosen(analysis: Analysis, view: View) -> dict[str, Text]:
    from archlab.report.footer import heading
    from archlab.report.latex import grid_latex
    from archlab.report.markup import grid_markdown
    from archlab.report.table import layers_grid

    return {
        "latex": lambda: grid_latex(layers_grid(analysis, view), heading(analysis)),
        "markdown": lambda: grid_markdown(layers_grid(analysis, view)),
    }


def _latex(analysis: Analysis) -> str:
    from archlab.report.footer import heading
    from archlab.report.latex import layers_latex

    return layers_latex(heading(analysis), _rows(analysis))
