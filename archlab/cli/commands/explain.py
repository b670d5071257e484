"""`archlab explain`: one layer's formulas with its numbers, or why tools count differently."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from archlab.analysis.result import Analysis
from archlab.cli.forms import json_form
from archlab.cli.input_size import plain_shape
from archlab.cli.options import TARGET, add_deploy, add_network, analyze_target, conditions_of
from archlab.cli.output import TEXTS, Forms, UsageError, add_form
from archlab.cli.report import Report
from archlab.cli.single import is_layer_type, no_layer_type, no_target, single_layer

if TYPE_CHECKING:
    from archlab.explain.drawing.scene import Scene

FORMS = Forms(
    {
        **{ending: form for ending, form in TEXTS.items() if form != "csv"},
        ".svg": "svg",
        ".html": "html",
    },
    ("table", "json", "markdown", "svg", "html"),
)
"""Formulas are no rows, so there is no CSV."""


DRAWINGS = ("svg", "html")
"""Forms that show one layer."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A network and a layer."""
    add_network(parser)
    add_deploy(parser)
    add_form(parser, FORMS)
    parser.add_argument("target", metavar="TARGET|TYPE", help=f"{TARGET}; or a layer type, such as conv2d, by itself")
    parser.add_argument(
        "words",
        nargs="*",
        metavar="LAYER|OPTION=VALUE",
        help="path of a layer or a block of the target, without it a list of layers; or the options of a layer type, "
        "such as kernel_size=3 stride=2",
    )
    parser.add_argument(
        "--animate", action="store_true", help="with -o FILE.svg: a moving picture, each output unit after another"
    )
    parser.add_argument(
        "--section",
        action="append",
        default=[],
        metavar="KEY",
        help="this section only, such as size, params, cost, receptive_field or matrix; can be repeated",
    )
    parser.add_argument("--counting", action="store_true", help="what other tools print for the network, and why")


def run(options: argparse.Namespace) -> Report:
    """One layer or block, the list of layers, or the counting of tools."""
    form = FORMS.chosen(options.format, options.write_to)
    if options.animate and form != "svg":
        raise UsageError("--animate draws: write to a file of that kind, -o FILE.svg")
    if is_layer_type(options.target):
        return _single(options)
    _check_words(options, form)
    analysis = _analysis(options)
    if options.counting:
        return _counting(analysis)
    return _layer(analysis, options.words[0], options) if options.words else _overview(analysis, options.target)


def _check_words(options: argparse.Namespace, form: str) -> None:
    """What stands behind a target, and what goes with it.

    Raises:
        UsageError: for words that cannot be meant so.
    """
    if options.words and "=" in options.words[0]:
        raise UsageError(no_layer_type(options.target, options.words[0]))
    if len(options.words) > 1:
        raise UsageError(f"one layer or block at a time: '{options.words[0]}', then '{options.words[1]}'")
    if options.counting and options.words:
        raise UsageError("--counting is about the whole network: leave the layer out")
    if options.section and not options.words:
        raise UsageError(f"--section is of a layer or a block: name it behind {options.target}")
    if form in DRAWINGS and not options.words:
        raise UsageError(f"a drawing shows one layer: name it behind {options.target}")


def _analysis(options: argparse.Namespace) -> Analysis:
    """The target's numbers; for an unknown one, the nearest layer type is a guess too."""
    from archlab.diagnostics.codes import Code
    from archlab.diagnostics.problem import ConfigError, single_problem

    try:
        return analyze_target(options.target, options)
    except ConfigError as error:
        if options.words or error.problems[0].code != Code.UNKNOWN_PRESET:
            raise
        raise single_problem(no_target(options.target), Code.UNKNOWN_PRESET) from None


def _single(options: argparse.Namespace) -> Report:
    """A layer type by itself."""
    from archlab.api.load import loads

    if options.counting:
        raise UsageError("--counting is about a network: name one in place of the layer type")
    for option in ("set", "arg", "until"):
        if getattr(options, option):
            raise UsageError(f"--{option} is for networks; options of a layer type are written behind it")
    single = single_layer(options.target, options.words, has_input=options.input is not None)
    written = loads(single.text, name=options.target, input=plain_shape(options.input))
    network = written.deploy() if options.deploy else written
    notes = [f"taken, since not given: {single.assumed}"] if single.assumed else []
    return _layer(network.analyze(conditions_of(options)), options.target, options, notes)


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


def _layer(analysis: Analysis, path: str, options: argparse.Namespace, notes: Sequence[str] = ()) -> Report:
    from archlab.explain.layer import explain, only
    from archlab.explain.markdown import explanation_markdown
    from archlab.explain.text import explanation_text

    found = only(explain(analysis, path), options.section)

    def scene() -> Scene:
        from archlab.explain.drawing.choose import drawn

        return drawn(found, alone=path == options.target)

    def drawing() -> str:
        from archlab.explain.drawing.svg import animation_svg, picture_svg

        return animation_svg(scene()) if options.animate else picture_svg(scene())

    def page() -> str:
        from archlab.explain.page import page_html

        return page_html(found, scene(), options.shown)

    return Report(
        {
            "json": partial(json_form, found.to_dict),
            "markdown": partial(explanation_markdown, found),
            "svg": drawing,
            "html": page,
        },
        table=lambda _: explanation_text(found),
        notes=notes,
    )
