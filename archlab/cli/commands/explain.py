"""`archlab explain`: one layer's formulas with its numbers, or why tools count differently."""

from __future__ import annotations

import argparse
from functools import partial

from archlab.analysis.result import Analysis
from archlab.cli.forms import json_form
from archlab.cli.options import TARGET, add_network, analyze_target
from archlab.cli.output import TEXTS, Forms, UsageError, add_form
from archlab.cli.report import Report

FORMS = Forms({ending: form for ending, form in TEXTS.items() if form != "csv"}, ("table", "json", "markdown"))
"""Formulas are no rows, so there is no CSV."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A network and a layer."""
    add_network(parser)
    add_form(parser, FORMS)
    parser.add_argument("target", help=TARGET)
    parser.add_argument("layer", nargs="?", metavar="LAYER", help="path of a layer; without it, a list of them")
    parser.add_argument("--counting", action="store_true", help="what other tools print for the network, and why")


def run(options: argparse.Namespace) -> Report:
    """One layer, the list of layers, or the counting of tools."""
    if options.counting and options.layer is not None:
        raise UsageError("--counting is about the whole network: leave the layer out")
    analysis = analyze_target(options.target, options)
    if options.counting:
        return _counting(analysis)
    return _overview(analysis, options.target) if options.layer is None else _layer(analysis, options.layer)


def _counting(analysis: Analysis) -> Report:
    from archlab.explain.counting import count
    from archlab.explain.counting.text import counting_text
    from archlab.explain.markdown import counting_markdown

    found = count(analysis)
    return Report(
        {"json": partial(json_form, found.to_dict), "markdown": partial(counting_markdown, found)},
        table=lambda _: counting_text(found),
    )


def _overview(analysis: Analysis, target: str) -> Report:
    from archlab.explain.markdown import overview_markdown
    from archlab.explain.overview import overview
    from archlab.explain.text import overview_text

    found = overview(analysis)
    return Report(
        {"json": partial(json_form, found.to_dict), "markdown": partial(overview_markdown, found)},
        table=lambda _: overview_text(found, target),
    )


def _layer(analysis: Analysis, path: str) -> Report:
    from archlab.explain.layer import explain_layer
    from archlab.explain.markdown import explanation_markdown
    from archlab.explain.text import explanation_text

    found = explain_layer(analysis, path)
    return Report(
        {"json": partial(json_form, found.to_dict), "markdown": partial(explanation_markdown, found)},
        table=lambda _: explanation_text(found),
    )
