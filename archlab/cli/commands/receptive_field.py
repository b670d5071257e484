"""`archlab receptive-field`: what one unit sees, and how much of it matters; or what one input position reaches."""

from __future__ import annotations

import argparse
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.api.receptive_field import Field, receptive_field
from archlab.cli.forms import row_texts
from archlab.cli.looks import add_panel_look, panel_look_of
from archlab.cli.options import TARGET, add_network, analyze_target, seed
from archlab.cli.output import PICTURES, ROWS, TEXTS, UsageError, add_form
from archlab.cli.parser import positive
from archlab.cli.report import Report
from archlab.cli.table_options import add_columns, view_of
from archlab.layers.shape import AXIS_NAMES

if TYPE_CHECKING:
    from archlab.report.columns import View
    from archlab.report.field import FieldReport
    from archlab.report.projection import ProjectionReport

FORMS = ROWS._replace(endings={**TEXTS, **PICTURES})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A network, a unit, and how its field is measured."""
    add_network(parser)
    add_form(parser)
    parser.add_argument("target", help=TARGET)
    parser.add_argument("--layer", metavar="PATH", help="whose unit (what the first result sees)")
    where = "a number for each axis: 5, 3,3 or 1,3,3 (the middle)"
    parser.add_argument("--unit", type=_place, metavar="ROW,COL", help=f"which unit of its map, {where}")
    parser.add_argument("--from-input", metavar="NAME", help="positions of which input, of several (the first)")
    parser.add_argument(
        "--projective", action="store_true", help="the other way round: which units one input position reaches"
    )
    parser.add_argument("--at", type=_place, metavar="ROW,COL", help=f"with --projective: which position, {where}")
    parser.description = "With -o FILE.png or FILE.svg: a picture of the fields over the input, and of their growth."
    add_columns(parser, "size,stride,coverage,...")
    add_panel_look(parser)
    measured = parser.add_argument_group("measured with gradients of the built model")
    measured.add_argument("--effective", action="store_true", help="measure the effective field too; needs torch")
    measured.add_argument("--samples", type=positive, default=16, metavar="N", help="how many images (16)")
    measured.add_argument("--seed", type=seed, default=0, help="of the images and the fresh weights (0)")
    measured.add_argument("--images", type=Path, metavar="FOLDER", help=".png and .jpg files instead of random images")
    measured.add_argument("--weights", type=Path, metavar="FILE.pt", help="a state dict instead of fresh weights")
    measured.add_argument("--device", default="cpu", help="where the model runs (cpu)")


def run(options: argparse.Namespace) -> Report:
    """Growth along the network, and the field of the unit or of the position."""
    _check(options)
    if options.projective:
        return _projective(options)
    analysis = analyze_target(options.target, options)
    found = receptive_field(analysis, layer=options.layer, unit=options.unit, from_input=options.from_input)
    notes: list[str] = []
    if options.effective:
        found, notes = _measured(found, options)
    return Report(
        row_texts(found.growth_rows, found.to_dict, by_layer=True),
        table=partial(_table, found, view_of(options)),
        files={"picture": partial(_picture, found, options)},
        notes=notes,
    )


def _check(options: argparse.Namespace) -> None:
    """Refuse options of one way with the other."""
    if options.projective:
        for given, option in ((options.unit, "--unit"), (options.effective or None, "--effective")):
            if given is not None:
                instead = "; write --at ROW,COL, a position of the input" if option == "--unit" else ""
                raise UsageError(f"{option} is of receptive fields, not of --projective ones{instead}")
    elif options.at is not None:
        raise UsageError(
            "--at is a position of the input: it goes with --projective; --unit is a unit of a layer's map"
        )


def _projective(options: argparse.Namespace) -> Report:
    """Which units a position of the input reaches."""
    from archlab.api.projective_field import projective_field

    analysis = analyze_target(options.target, options)
    found = projective_field(analysis, layer=options.layer, at=options.at, from_input=options.from_input)
    return Report(
        row_texts(found.rows, found.to_dict, by_layer=True),
        table=partial(_projection_table, found, view_of(options)),
        files={"picture": partial(_projection_picture, found, options)},
    )


def _projection_table(report: ProjectionReport, view: View, colour: bool) -> str:  # noqa: FBT001 - as a report has it
    from archlab.report.projection_table import projection_table

    return projection_table(report, view, colour=colour)


def _projection_picture(report: ProjectionReport, options: argparse.Namespace, path: Path) -> None:
    from archlab.report.plot.projection import save

    save(report, path, panel_look_of(options))


def _measured(report: Field, options: argparse.Namespace) -> tuple[Field, list[str]]:
    """The report with the measured field, and what was warned of."""
    from archlab.api.receptive_field import measured_field
    from archlab.cli.progress import progress
    from archlab.diagnostics.place import printable
    from archlab.torch.effective import Sampling

    sampling = Sampling(options.samples, options.seed, options.images, options.weights, options.device)
    with warnings.catch_warnings(record=True) as found:
        report = measured_field(report, sampling, lambda steps: progress(steps, "gradients"))
    return report, [f"warning: {printable(str(warning.message))}" for warning in found]


def _table(report: FieldReport, view: View, colour: bool) -> str:  # noqa: FBT001 - what a report's table is given
    from archlab.report.field_table import field_table

    return field_table(report, view, colour=colour)


def _picture(report: FieldReport, options: argparse.Namespace, path: Path) -> None:
    from archlab.report.plot.figure import save

    save(report, path, panel_look_of(options))


def _place(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if len(parts) > max(AXIS_NAMES) or not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in parts):
        raise argparse.ArgumentTypeError(f"must be ROW,COL such as 3,3, or a number for each other axis, not '{text}'")
    return tuple(map(int, parts))
