"""`archlab import`: a network that was not written for archlab, as a config."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.cli.options import add_network, import_options
from archlab.cli.output import TEXT, add_output
from archlab.cli.report import Report
from archlab.diagnostics.codes import Code

if TYPE_CHECKING:
    from archlab.api.imported import Import

FORMS = TEXT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is imported, and how it is written."""
    add_network(parser)
    add_output(parser)
    parser.add_argument(
        "target",
        help="timm:NAME, torchvision:NAME, module.path:callable (which runs), or a .onnx, .pt2 or Darknet .cfg file",
    )
    parser.add_argument("--flat", action="store_true", help="one line for each layer, without blocks")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="also compare params, MACs and outputs with the model's, on random weights; of an ONNX file, outputs",
    )


def run(options: argparse.Namespace) -> Report:
    """The config; what was checked is told, and names of weights go into a file beside it."""
    from archlab.api.imported import import_target
    from archlab.diagnostics.problem import single_problem
    from archlab.imports.targets import reader_of
    from archlab.imports.weights import map_beside

    if reader_of(options.target) is None:
        raise single_problem(
            f"{options.target} is archlab's own already; archlab expand writes it out", Code.WRONG_VALUE
        )
    chosen = import_options(options.target, options)
    found = import_target(options.target, chosen, flat=options.flat)
    notes, proved = [*found.told()], True
    if options.verify:
        proof = found.prove(options.target, chosen)
        notes += proof.render().splitlines()
        proved = proof.ok
    beside = {}
    if options.write_to is not None and found.weight_names():
        path = map_beside(options.write_to)
        notes.append(f"names of the weights: {path}, which archlab build --weights reads by itself")
        beside = {path: lambda path: _write_map(found, path)}
    return Report({"text": lambda: found.text}, beside=beside, notes=notes, ok=proved)


def _write_map(found: Import, path: Path) -> None:
    from archlab.files.output import write_text

    write_text(path, found.map_text())
