"""`archlab diagram`: stages, blocks and skips."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.cli.options import TARGET, add_network, analyze_target, fold_depth
from archlab.cli.output import Forms, add_output
from archlab.cli.report import Report

if TYPE_CHECKING:
    from archlab.report.diagram.boxes import Diagram

FORMS = Forms({".svg": "svg", ".pdf": "pdf", ".mmd": "mermaid", ".dot": "dot"}, default="mermaid")
FIGURES = ("params", "macs", "memory")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A network, and the size of a box."""
    add_network(parser)
    add_output(parser)
    parser.description = (
        "By the ending of -o: .svg, .pdf, .mmd (Mermaid) or .dot (Graphviz); without it, Mermaid. "
        "Shortcuts are blue (dashed in text); a stage whose units branch shows one of them."
    )
    parser.add_argument("target", help=TARGET)
    parser.add_argument("--depth", type=fold_depth, default=None, help="parts of the path that make a box (chosen)")
    parser.add_argument("--colour", choices=FIGURES, help="colour boxes by their cost (.svg, .pdf)")


def run(options: argparse.Namespace) -> Report:
    """The diagram by the ending of its file."""
    from archlab.report.diagram.boxes import fold_to_boxes
    from archlab.report.diagram.svg import diagram_svg
    from archlab.report.diagram.text import diagram_dot, diagram_mermaid

    boxes = fold_to_boxes(analyze_target(options.target, options), options.depth)
    return Report(
        {
            "svg": partial(diagram_svg, boxes, colour=options.colour),
            "mermaid": partial(diagram_mermaid, boxes),
            "dot": partial(diagram_dot, boxes),
        },
        files={"pdf": partial(_write_pdf, boxes, options.colour)},
    )


def _write_pdf(boxes: Diagram, colour: str | None, path: Path) -> None:
    """The picture as a PDF file.

    Raises:
        ConfigError: if the file cannot be written.
    """
    from archlab.diagnostics.codes import Code
    from archlab.diagnostics.problem import single_problem
    from archlab.files.output import replacing
    from archlab.report.diagram.svg import diagram_pdf

    content = diagram_pdf(boxes, colour=colour)
    try:
        with replacing(path) as made:
            made.write_bytes(content)
    except OSError as error:
        raise single_problem(f"cannot write {path}: {error.strerror or error}", Code.UNWRITABLE) from None
