"""`archlab time`: a bound for each layer's time on a device."""

from __future__ import annotations

import argparse

from archlab.cli.options import TARGET, add_deploy, add_fold_depth, add_network, analyze_target
from archlab.cli.output import ROWS, add_form
from archlab.cli.report import Report
from archlab.cli.table_options import add_table, view_of
from archlab.cli.timed import timed_report

FORMS = ROWS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A network and a device."""
    add_network(parser)
    add_deploy(parser)
    add_form(parser)
    parser.add_argument("target", help=TARGET)
    parser.add_argument("--device", default="h100", metavar="NAME", help="a device's name, or its .yaml file (h100)")
    add_fold_depth(parser, 1)
    add_table(parser, "flops,bytes,bound,...")


def run(options: argparse.Namespace) -> Report:
    """The bounds of every layer."""
    from archlab.analysis.time.device import load_device
    from archlab.api.timing import time_view

    analysis = analyze_target(options.target, options)
    return timed_report(time_view(analysis, load_device(options.device)), options.depth, view_of(options))
