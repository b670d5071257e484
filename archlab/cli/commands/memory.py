"""`archlab memory`: bytes alive in a forward pass or a training step, and who holds them."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.cli.forms import row_texts
from archlab.cli.looks import add_panel_look, panel_look_of
from archlab.cli.options import TARGET, add_deploy, add_fold_depth, add_network, add_training, analyze_target
from archlab.cli.output import PICTURES, ROWS, TEXTS, add_form
from archlab.cli.parser import size_in_bytes
from archlab.cli.report import Report
from archlab.cli.table_options import add_table, view_of

if TYPE_CHECKING:
    from archlab.report.columns import View
    from archlab.report.memory import MemoryView

FORMS = ROWS._replace(endings={**TEXTS, **PICTURES})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A network, how it is trained, and a memory to fit."""
    add_network(parser)
    add_deploy(parser)
    add_form(parser)
    parser.description = "With -o FILE.png or FILE.svg: a picture of the bytes alive, moment by moment."
    parser.add_argument("target", help=TARGET)
    parser.add_argument("--training", action="store_true", help="a training step instead of a forward pass")
    add_training(parser)
    parser.add_argument(
        "--fit", type=size_in_bytes, metavar="24GiB", help="also the largest batches that fit this memory"
    )
    add_fold_depth(parser, 1)
    add_table(parser, "layers,peak,after, and of who holds the peak layer,what,...")
    add_panel_look(parser)


def run(options: argparse.Namespace) -> Report:
    """The run, moment by moment, and what there is at its peak."""
    from archlab.api.memory import memory_view

    analysis = analyze_target(options.target, options)
    training = options.training or options.autocast is not None or bool(options.checkpoint)
    view = memory_view(analysis, training=training, limit=options.fit)
    return Report(
        row_texts(view.moments, view.to_dict, by_layer=True),
        table=partial(_table, view, options.depth, view_of(options)),
        files={"picture": partial(_picture, view, options)},
    )


def _table(view: MemoryView, depth: int | None, asked: View, colour: bool) -> str:  # noqa: FBT001 - as a report has it
    from archlab.report.memory_table import memory_table

    return memory_table(view, depth, asked, colour=colour)


def _picture(view: MemoryView, options: argparse.Namespace, path: Path) -> None:
    from archlab.report.plot.timeline import save_timeline

    save_timeline(view, path, panel_look_of(options))
