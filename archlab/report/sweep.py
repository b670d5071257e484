"""Designs of a sweep as columns, rows and texts."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any

from archlab.analysis.row import Row
from archlab.config.expand.inputs import ONLY
from archlab.config.tree.figures import FigureLimit
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.requirements import require
from archlab.diagnostics.words import counted
from archlab.layers.shape import AXIS_NAMES, shape_text
from archlab.report.columns import USUAL, Column, View, tabulate
from archlab.report.escape import spreadsheet_text
from archlab.report.grid import Grid, Justify
from archlab.report.terminal import render
from archlab.report.units import binary, by_axis, si
from archlab.sweep.figures import FIELDS, SUMS, Designs, Seen
from archlab.sweep.space import Space
from archlab.sweep.vary import value_text

Columns = dict[str, Sequence[Any]]
MOST_WRITTEN = {"CSV": 3_000_000, "JSON": 200_000}
"""Designs that a text holds, which is made as a whole in memory."""
SHOWN_ROWS = 20
"""Of a table for people."""


def knob_columns(space: Space, designs: Designs) -> Columns:
    """The values of what varies, design by design."""
    found: Columns = {}
    for knob, weight in zip(space.knobs, space.weights, strict=True):
        count = len(knob.values)
        values = [_cell(knob.name, value) for value in knob.values]
        found[knob.name] = [values[number // weight % count] for number in designs.numbers]
    for name in space.derived:
        knobs = sorted(space.reach[name])
        found[name] = _derived(space, designs, name, knobs)
    return found


def _derived(space: Space, designs: Designs, name: str, knobs: Sequence[int]) -> list[Any]:
    """The values of a param that follows from these knobs."""
    known: dict[tuple[int, ...], Any] = {}
    found: list[Any] = []
    for number in designs.numbers:
        digits = space.digits(number)
        key = tuple([digits[knob] for knob in knobs])
        if key not in known:
            known[key] = _cell(name, space.settings_of(digits)[0][name])
        found.append(known[key])
    return found


def _cell(name: str, value: Any) -> Any:
    if name == ONLY:
        return shape_text(value)
    return value if isinstance(value, int | float) else value_text(value)


def columns_of(space: Space, designs: Designs) -> Columns:
    """All columns: what varies, then the figures; of a field one for each axis, `global` where it is the whole."""
    found = knob_columns(space, designs)
    found |= {name.replace(".", "_"): designs.columns[name] for name in SUMS}
    axes = AXIS_NAMES[len(designs.seen[0]) if designs.seen else 2]
    for at, name in enumerate(FIELDS):
        for axis, letter in enumerate(axes):
            known = {seen: _axis_value(seen, axis, at) for seen in set(designs.seen)}
            found[f"{name}_{letter[0]}"] = [known[seen] for seen in designs.seen]
    return found


def _axis_value(seen: Seen, axis: int, at: int) -> Any:
    one = seen[axis]
    if one is None:
        return "global" if at == 0 else None
    value = Fraction(one[at])
    return int(value) if value.denominator == 1 else float(value)


def sweep_rows(space: Space, designs: Designs) -> list[Row]:
    """A flat row for each design."""
    columns = columns_of(space, designs)
    names = list(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def sweep_csv(space: Space, designs: Designs) -> str:
    """All designs as CSV; no text is a formula.

    Raises:
        ConfigError: for too many designs.
    """
    check_written(designs, "CSV")
    columns = columns_of(space, designs)
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([spreadsheet_text(name) for name in columns])
    writer.writerows(zip(*map(_harmless, columns.values()), strict=True))
    return out.getvalue()


def _harmless(column: Sequence[Any]) -> Sequence[Any]:
    has_text = any(isinstance(value, str) for value in column)
    return [spreadsheet_text(value) for value in column] if has_text else column


def save_parquet(space: Space, designs: Designs, path: Path) -> None:
    """All designs as a Parquet file; a global field is null there, as an unknown stride is.

    Raises:
        MissingRequirementError: without pyarrow.
    """
    require("pyarrow", "sweep", "a Parquet file")
    import pyarrow as pa
    import pyarrow.parquet as pq

    from archlab.files.output import replacing

    columns = columns_of(space, designs)
    for name, column in columns.items():
        if name.startswith(FIELDS):
            columns[name] = [None if value == "global" else value for value in column]
    with replacing(path) as made:
        pq.write_table(pa.table({name: pa.array(list(column)) for name, column in columns.items()}), made)


def sweep_table(space: Space, designs: Designs, view: View = USUAL, *, colour: bool) -> str:
    """The first designs for people: what varies, and the figures that one asks for first.

    Args:
        space: of the designs.
        designs: in their order.
        view: which columns.
        colour: whether it goes to a person's terminal.

    Raises:
        ConfigError: if there is no such column.
    """
    shown = designs.picked(range(min(len(designs), SHOWN_ROWS)))
    return render([designs_grid(space, shown, view)], colour=colour) if len(shown) else ""


def designs_grid(space: Space, designs: Designs, view: View = USUAL, further: Sequence[Column[int]] = ()) -> Grid:
    """Designs as a table; what varies is always shown.

    Args:
        space: of the designs.
        designs: a row for each.
        view: which columns.
        further: columns, of the row's number.

    Raises:
        ConfigError: if there is no such column.
    """
    knobs = knob_columns(space, designs)
    columns = [*_knobs(knobs), *_figures(designs), *further]
    wanted = (*[column.key for column in columns[: len(knobs)]], *view.columns) if view.columns else ()
    return tabulate(columns, range(len(designs)), view._replace(columns=wanted))


def _knobs(knobs: Columns) -> list[Column[int]]:
    def column(name: str, values: Sequence[Any]) -> Column[int]:
        side: Justify = "right" if isinstance(values[0], int | float) else "left"
        return Column(name, lambda row: _shown(values[row]), values.__getitem__, side)

    return [column(name, values) for name, values in knobs.items()]


def _shown(value: Any) -> str:
    return f"{value:,}" if type(value) is int else "" if value is None else str(value)


def _figures(designs: Designs) -> list[Column[int]]:
    """Those that one asks for first, and all others where they are asked for."""

    def column(heading: str, name: str, rank: int, *, asked: bool = False) -> Column[int]:
        values, text = designs.columns[name], binary if name.startswith("memory.") else si
        return Column(heading, lambda row: text(values[row]), values.__getitem__, rank=rank, asked=asked)

    usual = {"params": 0, "macs": 0, "flops": 3, "memory.inference_peak": 2}
    headings = {"macs": "MACs", "flops": "FLOPs", "memory.inference_peak": "memory"}
    found = [column(headings.get(name, name), name, rank) for name, rank in usual.items()]
    found.append(Column("receptive field", lambda row: field_words(designs.seen[row]), rank=1))
    found.append(Column("stride", lambda row: _stride_words(designs.seen[row]), asked=True))
    return found + [column(name.replace(".", " "), name, 0, asked=True) for name in SUMS if name not in usual]


def people_rows(space: Space, designs: Designs) -> list[Row]:
    """Rows with units."""
    grid = designs_grid(space, designs)
    names = [column.name for column in grid.columns]
    return [dict(zip(names, row, strict=True)) for row in grid.rows]


def _stride_words(seen: Seen) -> str:
    return by_axis(["-" if axis is None else str(axis[1]) for axis in seen])


def field_words(seen: Seen) -> str:
    """`483x483`, or `global`."""
    if all(axis is None for axis in seen):
        return "global"
    return by_axis(["global" if axis is None else str(axis[0]) for axis in seen])


def sweep_dict(space: Space, designs: Designs, limits: Iterable[FigureLimit]) -> Row:
    """The whole as JSON.

    Raises:
        ConfigError: for too many designs.
    """
    check_written(designs, "JSON")
    return {
        "network": space.document.name if space.variant is None else space.variant.name,
        "vary": {knob.name: [_cell(knob.name, value) for value in knob.values] for knob in space.knobs},
        "where": [f"{figure} {limit.text}" for figure, limit in limits],
        "designs": space.size,
        "invalid": designs.invalid,
        "checked": designs.checked,
        "rows": sweep_rows(space, designs),
    }


def sweep_notes(
    space: Space, designs: Designs, limits: Sequence[FigureLimit], *, looked_at: int | None, found: int
) -> list[str]:
    """What was done, in sentences.

    Args:
        space: of the designs.
        designs: the result.
        limits: that they are within.
        looked_at: how many designs of a sample; None where all are.
        found: how many there are beside those that are shown.
    """
    from archlab.sweep.whole import design_text

    drawn = "" if looked_at is None else f", {looked_at:,} drawn at random"
    within = f"; {found:,} within {' and '.join([f'{name} {limit.text}' for name, limit in limits])}" if limits else ""
    notes = [f"{counted(space.size, 'design')}{drawn}{within}"]
    if designs.invalid:
        notes.append(f"{designs.invalid:,} are no networks")
        notes += [f"  {design_text(space, number)}: {problem.message}" for number, problem in designs.problems[:1]]
    if designs.entire:
        notes.append(f"{designs.entire:,} were analysed one by one, since they do not compose: {designs.reason}")
    notes.append(f"{designs.checked:,} were analysed as a whole too, and are equal in every figure")
    return notes


def check_written(designs: Designs, form: str) -> None:
    """Refuse a text of too many designs.

    Raises:
        ConfigError: if they are too many.
    """
    most = MOST_WRITTEN[form]
    if len(designs) > most:
        message = f"{len(designs):,} designs are too many for {form}, which takes at most {most:,}; narrow them by"
        raise single_problem(f"{message} --where or --limit, or write .parquet", Code.TOO_LARGE)
