"""`archlab expand`: the network without blocks and params, as a config."""

from __future__ import annotations

import argparse

from archlab.cli.options import TARGET, add_network, load_network
from archlab.cli.output import TEXT, add_output
from archlab.cli.report import Report, text_report

FORMS = TEXT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A network."""
    add_network(parser)
    add_output(parser)
    parser.add_argument("target", help=TARGET)


def run(options: argparse.Namespace) -> Report:
    """The config, with its figures."""
    from archlab.config.dump import expanded_config

    network = load_network(options.target, options)
    total = network.analyze().total
    return text_report(expanded_config(network.graph, expect=total.figures()))
