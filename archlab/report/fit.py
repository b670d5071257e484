"""The best design of a space: for people, for programs, and as a config."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from math import floor, inf
from pathlib import Path
from typing import Any

from archlab.analysis.row import Row
from archlab.config.expand.inputs import ONLY
from archlab.config.syntax.quantity import BYTES, COUNT
from archlab.config.tree.figures import FIGURES, FigureLimit
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.layers.shape import shape_text
from archlab.report.columns import USUAL, Column, View
from archlab.report.sweep import designs_grid, sweep_rows
from archlab.report.terminal import render
from archlab.report.units import binary, si
from archlab.sweep.fit import Fitted, Used, used
from archlab.sweep.vary import value_text


def fit_text(fitted: Fitted, limits: Sequence[FigureLimit], view: View = USUAL, *, colour: bool) -> str:
    """The best design as options, how far it uses the limits, and those behind it.

    Args:
        fitted: the designs, the best first.
        limits: that they are within.
        view: which columns of the table.
        colour: whether it goes to a person's terminal.

    Raises:
        ConfigError: if there is no such column.
    """
    settings, given = fitted.settings
    options = [f"--set {_quoted(f'{name}={value_text(value)}')}" for name, value in settings.items()]
    if given is not None and not isinstance(given, Mapping):
        options.append(f"--input {shape_text(given)}")
    lines = [" ".join(options), f"{fitted.goal}: {fitted.how}"]
    lines += [f"{one.limit.figure} {one.limit.limit.text}: {_used_text(one)}" for one in used(fitted, limits)]
    scores = fitted.scores
    further: list[Column[int]] = [
        Column("entropy", lambda row: f"{scores[row].entropy:.1f}"),
        Column("depth/width", lambda row: f"{scores[row].depth_to_width:.3f}"),
    ]
    grid = designs_grid(fitted.space, fitted.designs, view, further if scores else ())
    return "\n".join([*lines, render([grid], colour=colour)])


def _quoted(text: str) -> str:
    return shlex.quote(text)


def _used_text(one: Used) -> str:
    measure = FIGURES[one.limit.figure]
    value = one.value
    shown = "global" if value == inf else f"{float(value):g}"
    if isinstance(value, int):
        shown = binary(value) if measure is BYTES else si(value) if measure is COUNT else f"{value:,}"
    return shown if one.share is None else f"{shown}, {_percent(one.share)} of it"


def _percent(share: float) -> str:
    """One digit, rounded down: what is below a limit is no 100.0% of it."""
    return f"{floor(share * 1000) / 10}%"


def fit_dict(fitted: Fitted, limits: Sequence[FigureLimit]) -> Row:
    """The same for programs."""
    settings, given = fitted.settings
    rows = sweep_rows(fitted.space, fitted.designs)
    for row, score in zip(rows, fitted.scores, strict=False):
        row |= {"entropy": score.entropy, "depth_to_width": score.depth_to_width}
    return {
        "settings": settings,
        "input": None if given is None else list(given),
        "maximize": fitted.goal,
        "exact": fitted.is_exact,
        "how": fitted.how,
        "limits": [
            {"figure": one.limit.figure, "limit": one.limit.limit.text, "value": _plain(one.value), "share": one.share}
            for one in used(fitted, limits)
        ],
        "best": rows[0],
        "runners_up": rows[1:],
    }


def _plain(value: Any) -> Any:
    return "global" if value == inf else int(value) if value == int(value) else float(value)


def fit_config(fitted: Fitted, limits: Sequence[FigureLimit], target: str, path: Path | None) -> str:
    """A config that extends the network with the best values, and is held to the limits.

    Args:
        fitted: the design.
        limits: that it is within.
        target: that it was sought for.
        path: of the file to write; a target that is a file is named from there. None for beside that one.

    Raises:
        ConfigError: if it would stand where a config cannot extend that file.
    """
    settings, given = fitted.settings
    name = fitted.space.document.name if fitted.space.variant is None else fitted.space.variant.name
    lines = ["archlab: 1", f"name: {name}_fit", f"extends: {_extended(target, path)}"]
    if given is not None:
        lines.append(f"input: {json.dumps(list(given))}")
    if settings:
        lines.append("params:")
        lines += [f"  {key}: {json.dumps(value)}" for key, value in settings.items() if key != ONLY]
    by_figure: dict[str, list[str]] = {}
    for figure, limit in limits:
        by_figure.setdefault(figure, []).append(limit.text)
    if by_figure:
        lines.append("expect:")
        lines += [f"  {figure}: {json.dumps(' and '.join(texts))}" for figure, texts in by_figure.items()]
    return "\n".join(lines) + "\n"


def _extended(target: str, path: Path | None) -> str:
    file, at, variant = target.partition("@")
    if Path(file).suffix not in {".yaml", ".yml"}:
        return target
    own = Path(file).absolute()
    relative = own.name if path is None else os.path.relpath(own, path.absolute().parent)
    if relative.startswith(".."):
        message = f"{path}: a config extends files in its own folder or below it, and {file} is in another; write it to"
        raise single_problem(f"{message} {Path(file).parent / path.name if path else file}", Code.EXTENDS_PATH)
    return json.dumps(relative + at + variant)
