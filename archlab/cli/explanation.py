"""What `archlab explain` shows, in the form asked for."""

from __future__ import annotations

import argparse

from archlab.analysis.result import Analysis
from archlab.cli.main import build_parser, report_format
from archlab.explain.counting import Counting, count
from archlab.explain.layer import Explanation, explain_layer
from archlab.explain.overview import Overview, overview


def form_of(options: argparse.Namespace) -> str:
    """table, json or markdown; formulas are no rows, so there is no CSV."""
    form = report_format(options)
    if form == "csv":
        build_parser().error(f"-o {options.write_to}: an explanation is .txt, .json or .md")
    if options.counting and options.layer is not None:
        build_parser().error("--counting is about the whole network: leave the layer out")
    return form


def explanation(
    analysis: Analysis, layer: str | None, form: str, *, target: str, counting: bool
) -> tuple[Explanation | Overview | Counting, str]:
    """The result, and its text in the form.

    Raises:
        ConfigError: if there is no such layer.
    """
    from archlab.explain import markdown, text
    from archlab.explain.counting.text import counting_text

    plain = form == "table"
    if counting:
        tools = count(analysis)
        return tools, counting_text(tools) if plain else markdown.counting_markdown(tools)
    if layer is None:
        kinds = overview(analysis)
        return kinds, text.overview_text(kinds, target) if plain else markdown.overview_markdown(kinds)
    found = explain_layer(analysis, layer)
    return found, text.explanation_text(found) if plain else markdown.explanation_markdown(found)
