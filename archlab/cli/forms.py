"""Forms that several commands' results can take. What makes one is imported when it is asked for."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.cli.looks import look_of
from archlab.cli.output import PICTURES, UsageError
from archlab.cli.report import Draw, Text

if TYPE_CHECKING:
    from archlab.analysis.row import Row
    from archlab.api.analysis import Analysis
    from archlab.api.validate import Validation


def row_texts(rows: Callable[[], list[Row]], as_dict: Callable[[], Row], *, by_layer: bool = False) -> dict[str, Text]:
    """Rows as CSV and Markdown, and the whole result as JSON.

    Args:
        rows: flat ones.
        as_dict: the whole.
        by_layer: whether JSON has a line for each layer.
    """
    return {
        "json": partial(json_form, as_dict, by_layer=by_layer),
        "csv": partial(_csv, rows),
        "markdown": partial(_markdown, rows),
    }


def problem_forms(checked: Sequence[Validation], text: Callable[[], str]) -> dict[str, Text]:
    """Problems of configs, for people, programs, GitHub's annotations and code scanning.

    Args:
        checked: what was found, config by config.
        text: for people.
    """
    from archlab.diagnostics.forms import problem_annotation, problems_json, problems_sarif

    problems = [problem for found in checked for problem in found.problems]
    return {
        "text": text,
        "json": lambda: problems_json([(found.target, found.networks, found.problems) for found in checked]),
        "github": lambda: "".join([problem_annotation(problem) + "\n" for problem in problems]),
        "sarif": lambda: problems_sarif(problems),
    }


def json_form(as_dict: Callable[[], Row], *, by_layer: bool = False) -> str:
    """A result as JSON."""
    from archlab.report.json_text import json_by_layer, json_text

    return json_by_layer(as_dict()) if by_layer else json_text(as_dict())


def _csv(rows: Callable[[], list[Row]]) -> str:
    from archlab.report.markup import rows_csv

    return rows_csv(rows())


def _markdown(rows: Callable[[], list[Row]]) -> str:
    from archlab.report.markup import rows_markdown

    return rows_markdown(rows())


def rows_grid(rows: list[Row], colour: bool) -> str:  # noqa: FBT001 - what a report's table is given
    """Any rows as a table."""
    from archlab.report.table import rows_table

    return rows_table(rows, colour=colour)


def page(analyses: Sequence[Analysis], options: argparse.Namespace, depth: int | None = 2) -> str:
    """The HTML page of one network or several."""
    from archlab.analysis.time.device import load_device
    from archlab.explain.plain import layer_text
    from archlab.report.page.render import page as render

    device = None if options.device is None else load_device(options.device)
    return render(analyses, device, command=options.shown, title=options.title, depth=depth, explain=layer_text)


def workbook(name: str, rows: Callable[[], list[Row]], path: Path) -> None:
    """A .xlsx file of one sheet."""
    from archlab.report.workbook import save_workbook

    save_workbook({name: rows()}, path)


def charts(analyses: Sequence[Analysis], options: argparse.Namespace) -> Mapping[Path, Draw]:
    """The chart asked for beside the result."""
    if options.plot is None:
        return {}
    check_chart(options)
    return {options.plot: partial(_chart, analyses, options)}


def check_chart(options: argparse.Namespace) -> None:
    """What a chart has to choose.

    Raises:
        UsageError: for an ending or a figure that there is none of.
    """
    from archlab.report.figures import FIGURES

    if options.plot.suffix not in PICTURES:
        raise UsageError(f"--plot {options.plot}: the ending must be one of {' '.join(PICTURES)}")
    of_all = tuple([figure.key for figure in FIGURES])
    stages = ("params", "macs", "activations", "output_bytes")
    choices = {"pareto": of_all, "stages": stages, "memory": ("inference_peak", "training_peak")}
    if options.x is not None and options.figure != "pareto":
        raise UsageError(f"--x is of --figure pareto, not of {options.figure}")
    for name, known in (("x", of_all), ("y", choices.get(options.figure, ()))):
        value = getattr(options, name)
        if value is not None and value not in known:
            there = f"one of {', '.join(known)}" if known else "left out: a growth has no other figure"
            raise UsageError(f"--{name} {value}: of --figure {options.figure} it must be {there}")


def _chart(analyses: Sequence[Analysis], options: argparse.Namespace, path: Path) -> None:
    from archlab.analysis.time.device import load_device
    from archlab.report.figures import distinct_names, figures_row
    from archlab.report.plot.charts import chart

    device = None if options.device is None else load_device(options.device)
    names = distinct_names(analyses)

    def rows() -> list[Row]:
        return [figures_row(one, device) for one in analyses]

    chart(analyses, names, rows, options.figure, look_of(options)).save(path)
