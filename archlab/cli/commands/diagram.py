"""`archlab diagram`: stages, blocks and skips."""

from __future__ import annotations

import argparse
from functools import partial

from archlab.cli.options import TARGET, add_network, analyze_target, fold_depth
from archlab.cli.output import Forms, add_output
from archlab.cli.report import Report

FORMS = Forms({".svg": "svg", ".mmd": "mermaid", ".dot": "dot"}, default="mermaid")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A network, and the size of a box."""
    add_network(parser)
    add_output(parser)
    parser.description = "By the ending of -o: .svg, .mmd (Mermaid) or .dot (Graphviz); without it, Mermaid."
    parser.add_argument("target", help=TARGET)
    parser.add_argument("--depth", type=fold_depth, default=None, help="parts of the path that make a box (chosen)")


def run(options: argparse.Namespace) -> Report:
    """The diagram by the ending of its file."""
    from archlab.report.diagram.boxes import fold_to_boxes
    from archlab.report.diagram.svg import diagram_svg
    from archlab.report.diagram.text import diagram_dot, diagram_mermaid

    boxes = fold_to_boxes(analyze_target(options.target, options), options.depth)
    forms = {"svg": diagram_svg, "mermaid": diagram_mermaid, "dot": diagram_dot}
    return Report({form: partial(draw, boxes) for form, draw in forms.items()})
