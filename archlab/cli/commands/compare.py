"""`archlab compare`: one row per network."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from archlab.api.analysis import Analysis
from archlab.api.comparison import Comparison
from archlab.cli.forms import charts, page, row_texts, workbook
from archlab.cli.options import (
    CHARTS,
    SEVERAL,
    TARGET,
    add_deploy,
    add_network,
    add_page,
    add_training,
    analyze_target,
    load_each,
)
from archlab.cli.output import PAGES, ROWS, TEXTS, add_form
from archlab.cli.progress import progress
from archlab.cli.report import Report, Text
from archlab.cli.table_options import add_table, is_chosen, view_of
from archlab.cli.targets import Request, requested, shared_notes, tell_apart

if TYPE_CHECKING:
    from archlab.report.columns import View
    from archlab.report.grid import Grid

FORMS = ROWS._replace(endings={**TEXTS, **PAGES})
CHOSEN = ("latex", "markdown")
"""Forms that take `--columns`, `--units` and `--sort`, too: as people read them, not in full."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Networks, how they are trained, and the page."""
    add_network(parser)
    add_deploy(parser)
    add_form(parser)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"{TARGET} (all presets if none)")
    parser.epilog = SEVERAL
    add_training(parser)
    add_page(parser, CHARTS)
    add_table(parser, "params,macs,memory,depth,...")


def run(options: argparse.Namespace) -> Report:
    """Every form of the comparison."""
    from archlab.analysis.time.device import load_device

    device = None if options.device is None else load_device(options.device)
    requests = requested(options.targets or _all_presets(), options)
    steps = iter(progress(range(len(dict.fromkeys(requests))), "networks"))

    def analysed(request: Request) -> Analysis:
        next(steps)
        return analyze_target(request.target, request.options(options))

    comparison = Comparison(load_each(requests, analysed), device)
    tell_apart([analysis.graph for analysis in comparison.analyses], requests)
    return Report(
        {
            **row_texts(lambda: comparison.rows, comparison.to_dict),
            "html": partial(page, comparison.analyses, options),
            "latex": partial(_latex, comparison),
            **(_chosen(comparison, view_of(options)) if is_chosen(options) else {}),
        },
        table=partial(_table, comparison, view_of(options)),
        files={"xlsx": partial(workbook, "networks", lambda: comparison.rows)},
        beside=charts(comparison.analyses, options),
        notes=shared_notes(options, requests) if options.targets else (),
    )


def _all_presets() -> list[str]:
    from archlab.zoo.rows import preset_targets

    return preset_targets()


def _table(comparison: Comparison, view: View, colour: bool) -> str:  # noqa: FBT001 - what a report's table is given
    from archlab.report.table import comparison_table

    return comparison_table(comparison.analyses, comparison.device, view, colour=colour)


def _chosen(comparison: Comparison, view: View) -> dict[str, Text]:
    from archlab.report.latex import grid_latex
    from archlab.report.markup import grid_markdown
    from archlab.report.table import comparison_grid

    def grid() -> Grid:
        return comparison_grid(comparison.analyses, comparison.device, view)

    return {"latex": lambda: grid_latex(grid()), "markdown": lambda: grid_markdown(grid())}


def _latex(comparison: Comparison) -> str:
    from archlab.report.figures import figures_row
    from archlab.report.latex import latex_table

    return latex_table(
        [
            (name, figures_row(analysis, comparison.device))
            for name, analysis in zip(comparison.names, comparison.analyses, strict=True)
        ]
    )
