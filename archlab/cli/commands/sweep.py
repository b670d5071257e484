"""`archlab sweep`: every design of a space with its figures, or the front of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.cli.looks import add_chart_look, look_of
from archlab.cli.options import DTYPES, TARGET, add_deploy, seed
from archlab.cli.output import PICTURES, TEXTS, Forms, UsageError, add_form
from archlab.cli.parser import dtype, positive
from archlab.cli.progress import steps_of
from archlab.cli.report import Report
from archlab.cli.table_options import add_table, view_of
from archlab.diagnostics.requirements import require

if TYPE_CHECKING:
    from archlab.analysis.row import Row
    from archlab.sweep.figures import Designs
    from archlab.sweep.file import Written
    from archlab.sweep.space import Space
    from archlab.sweep.work import Question

FORMS = Forms(
    {**TEXTS, ".parquet": "parquet", ".html": "html"}, ("table", "json", "csv", "markdown", "html", "parquet")
)
CHARTS = ("pareto", "distribution")
VARY_HELP = "values of a param: width=16..128:8, width=8..128*2, width=[16,24], input=96..224:32, out='$(2 * width)'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The space, the limits, and the form of the result."""
    add_space(parser)
    parser.add_argument("--sort", default="", metavar="FIGURES", help="by macs,params,...; -macs: the largest first")
    parser.add_argument("--limit", type=positive, metavar="N", help="at most so many rows")
    parser.add_argument(
        "--pareto",
        default="",
        metavar="FIGURES",
        help="the exact front of macs,receptive_field,...: fields large, all others small; of spaces of any size",
    )
    parser.add_argument("--dask", metavar="tcp://HOST:8786", help="on the workers of this Dask scheduler")
    parser.add_argument("--resume", action="store_true", help="go on where a sweep into this -o FILE ended")
    add_form(parser, FORMS)
    add_table(parser, "params,macs,memory,buffers,...", sort=False)
    _add_chart(parser)


def _add_chart(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the chart")
    group.add_argument("--plot", type=Path, metavar="FILE", help="also a chart as a .svg, .png or .pdf file")
    group.add_argument("--figure", choices=CHARTS, default=CHARTS[0], help=f"which chart ({CHARTS[0]})")
    group.add_argument("--x", metavar="FIGURE", help="the figure across (macs)")
    group.add_argument(
        "--y", metavar="FIGURE", help="of pareto: the one up (receptive_field; params where all see the same)"
    )
    add_chart_look(group)


def add_space(parser: argparse.ArgumentParser) -> None:
    """What varies, within which limits."""
    parser.add_argument("target", metavar="TARGET", help=f"{TARGET}; or a file with 'sweep:'")
    parser.add_argument("--vary", action="append", default=[], metavar="K=VALUES", help=VARY_HELP)
    parser.add_argument("--set", action="append", default=[], metavar="K=V", help="a new value for a param")
    parser.add_argument("--input", metavar="3x224x224", help="channels x height x width of the input")
    parser.add_argument("--batch", type=positive, default=1, metavar="N", help="samples in a batch (1)")
    parser.add_argument("--dtype", type=dtype, choices=DTYPES, default="float32", help="of parameters and activations")
    add_deploy(parser)
    parser.add_argument(
        "--where", action="append", default=[], metavar="LIMITS", help="'macs <= 300M and memory.inference_peak < 8MiB'"
    )
    parser.add_argument("--sample", type=positive, metavar="N", help="draw so many designs instead of taking all")
    parser.add_argument("--seed", type=seed, metavar="N", help="of the draw (0)")
    parser.add_argument("--processes", type=positive, metavar="N", help="how many run at a time (all processors)")


def run(options: argparse.Namespace) -> Report:
    """The designs, or their front.

    Raises:
        ConfigError: if none of them is a network.
    """
    from archlab.diagnostics.problem import ConfigError
    from archlab.report.sweep import save_parquet, sweep_csv, sweep_dict, sweep_notes, sweep_table
    from archlab.sweep.order import arranged

    if options.resume and options.write_to is None:
        raise UsageError("--resume goes on with a file; give -o FILE")
    _check_chart(options)
    form = FORMS.chosen(options.format, options.write_to)
    if form == "parquet":  # said before the work is done
        require("pyarrow", "sweep", "a Parquet file")
    written, question = asked(options)
    space = question.space
    sort = [word.strip() for word in options.sort.split(",") if word.strip()] or written.sort
    pareto = [word.strip() for word in options.pareto.split(",") if word.strip()] or written.pareto
    designs = _designs(question, pareto, options)
    if designs.problems and designs.invalid >= question.count:  # the config's own mistake, most often
        raise ConfigError([problem for _, problem in designs.problems[:1]])
    found = len(designs)
    designs = arranged(space, designs, sort, options.limit)
    looked_at = None if options.sample is None and written.sample is None else question.count
    notes = sweep_notes(space, designs, question.limits, looked_at=looked_at, found=found)
    if pareto:
        notes.append(f"{found:,} on the exact front of {', '.join(pareto)}")
    if form == "table" and len(designs) > SHOWN:
        notes.append(f"the first {SHOWN} of {len(designs):,} are shown; -o FILE.csv has all")
    view = view_of(options)._replace(sort=())
    return Report(
        {
            "csv": partial(sweep_csv, space, designs),
            "json": partial(_json, partial(sweep_dict, space, designs, question.limits)),
            "markdown": partial(_markdown, space, designs),
            "html": partial(_html, question, designs, options),
            "table": lambda: sweep_table(space, designs, view, colour=False),
            "parquet": _no_text,
        },
        table=lambda colour: sweep_table(space, designs, view, colour=colour),
        files={"parquet": partial(save_parquet, space, designs)},
        beside={} if options.plot is None else {options.plot: partial(_plot, question, designs, options)},
        notes=notes,
    )


SHOWN = 20


def _check_chart(options: argparse.Namespace) -> None:
    """Refuse a chart that there is none of, before the work is done.

    Raises:
        UsageError: for an ending or a figure.
    """
    from archlab.report.sweep_points import KEYS, SEES

    if options.plot is not None and options.plot.suffix not in PICTURES:
        raise UsageError(f"--plot {options.plot}: the ending must be one of {' '.join(PICTURES)}")
    is_front = options.figure == "pareto"
    known = (*KEYS, SEES) if is_front else tuple(KEYS)
    for name in ("x", "y"):
        value = getattr(options, name)
        if value is not None and not is_front and name == "y":
            raise UsageError("--y is of --figure pareto: a distribution counts designs")
        if value is not None and value not in known:
            raise UsageError(f"--{name} {value}: of --figure {options.figure} it must be one of {', '.join(known)}")


def _no_text() -> str:
    raise UsageError("Parquet is no text; give -o FILE.parquet")


def _designs(question: Question, pareto: list[str], options: argparse.Namespace) -> Designs:
    from archlab.sweep.front import front, front_of, wishes
    from archlab.sweep.run import sweep

    wanted = wishes(pareto) if pareto else ()
    if wanted and question.sample is None:
        return front(question, wanted)
    journal = options.write_to if options.resume else None
    with steps_of("designs") as step:
        designs = sweep(question, options.processes, step, journal, options.dask)
    return designs.picked(front_of(designs, wanted)) if wanted else designs


def asked(options: argparse.Namespace) -> tuple[Written, Question]:
    """The space and the limits of a command line, with those of a file.

    Raises:
        ConfigError: with every problem found.
    """
    from archlab.analysis.conditions import Conditions
    from archlab.cli.input_size import input_shape
    from archlab.cli.options import assignments
    from archlab.config.tree.figures import read_figure_limits
    from archlab.config.tree.targets import open_target
    from archlab.diagnostics.codes import Code
    from archlab.diagnostics.problem import single_problem
    from archlab.imports.targets import reader_of
    from archlab.sweep.file import Written, read_written
    from archlab.sweep.vary import read_vary, space_of
    from archlab.sweep.work import Question

    written = read_written(options.target) or Written(options.target)
    given = read_vary(options.vary)
    if reader_of(written.target) is not None:
        hint = f"write it as a config first: archlab import {written.target} -o net.yaml"
        raise single_problem(f"{written.target} has no params to vary; {hint}", Code.WRONG_VALUE)
    vary = {**written.vary, **given}
    places = {name: place for name, place in written.places.items() if name not in given}
    document, variant, problems = open_target(written.target)
    problems.raise_if_any()
    space = space_of(
        document,
        variant,
        vary,
        places,
        problems,
        settings={**written.settings, **assignments("--set", options.set)},
        input_shape=input_shape(options.input, document, variant),
    )
    problems.raise_if_any()
    assert space is not None
    space = replace(space, deployed=options.deploy)
    limits = (*written.limits, *read_figure_limits("where", options.where))
    conditions = Conditions(batch=options.batch, dtype=options.dtype)
    sample = written.sample if options.sample is None else options.sample
    chosen = written.seed if options.seed is None else options.seed
    return written, Question(space, conditions, limits, sample, chosen)


def _json(as_dict: Callable[[], Row]) -> str:
    from archlab.cli.forms import json_form

    return json_form(as_dict)


def _markdown(space: Space, designs: Designs) -> str:
    from archlab.report.markup import rows_markdown
    from archlab.report.sweep import sweep_rows

    return rows_markdown(sweep_rows(space, designs))


def _html(question: Question, designs: Designs, options: argparse.Namespace) -> str:
    from archlab.report.page.sweep import sweep_page

    return sweep_page(question, designs, command=options.shown)


def _plot(question: Question, designs: Designs, options: argparse.Namespace, path: Path) -> None:
    from archlab.report.plot.designs import sweep_picture

    sweep_picture(question.space, designs, question.conditions, options.figure, look_of(options)).save(path)
