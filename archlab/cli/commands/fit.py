"""`archlab fit`: the best design within limits."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.cli.commands.sweep import add_space, asked
from archlab.cli.output import Forms, UsageError, add_form
from archlab.cli.progress import steps_of
from archlab.cli.report import Report
from archlab.cli.table_options import add_table, view_of

if TYPE_CHECKING:
    from archlab.analysis.row import Row
    from archlab.config.tree.figures import FigureLimit
    from archlab.sweep.fit import Fitted

FORMS = Forms({".yaml": "config", ".json": "json", ".txt": "table"}, ("table", "json", "config"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The space, the limits, and what should be large."""
    add_space(parser)
    parser.add_argument(
        "--maximize",
        metavar="FIGURE",
        help="what should be large: receptive_field, params, macs, ..., entropy (DeepMAD's), or a param such as width",
    )
    parser.add_argument(
        "--depth-to-width",
        type=ratio,
        metavar="0.5",
        help="with --maximize entropy: the most layers over the geometric mean of their widths (DeepMAD)",
    )
    add_form(parser, FORMS)
    add_table(parser, "params,macs,memory,buffers,...", sort=False)


def ratio(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"must be a number above 0, such as 0.5, not '{text}'")
    return value


def run(options: argparse.Namespace) -> Report:
    """The best design, with those behind it."""
    from archlab.report.fit import fit_config, fit_text
    from archlab.sweep.fit import fit

    written, question = asked(options)
    goal = options.maximize or written.maximize
    if goal is None:
        raise UsageError("give what should be large: --maximize receptive_field")
    if options.depth_to_width is not None and goal != "entropy":
        raise UsageError("--depth-to-width goes with --maximize entropy")
    with steps_of("designs") as step:
        fitted = fit(question, goal, options.processes, step, options.depth_to_width)
    limits = question.limits
    path: Path | None = options.write_to
    view = view_of(options)
    return Report(
        {
            "table": lambda: fit_text(fitted, limits, view, colour=False),
            "json": partial(_json, fitted, limits),
            "config": lambda: fit_config(fitted, limits, written.target, path),
        },
        table=lambda colour: fit_text(fitted, limits, view, colour=colour),
        notes=[f"{fitted.designs.checked:,} designs were analysed as a whole too, and are equal in every figure"],
    )


def _json(fitted: Fitted, limits: tuple[FigureLimit, ...]) -> str:
    from archlab.cli.forms import json_form
    from archlab.report.fit import fit_dict

    def row() -> Row:
        return fit_dict(fitted, limits)

    return json_form(row)
