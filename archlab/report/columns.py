"""Columns of tables: what each shows, by what it sorts, and which of them are asked for."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from archlab.analysis.row import Row
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.suggest import did_you_mean
from archlab.report.grid import Grid, GridColumn, Justify

R = TypeVar("R")
COLUMNS = "columns"
"""The argument that chooses them."""


class Column(NamedTuple, Generic[R]):
    """A column of a table.

    Attributes:
        name: its heading.
        text: of a row's cell.
        value: by which rows are sorted; None for the text.
        justify: numbers to the right.
        rank: how dispensable it is: a terminal too narrow for all columns loses those of the highest rank first.
        asked: whether it is shown only where it is asked for.
        flows: whether its texts are sentences, which may go on in the next line.
    """

    name: str
    text: Callable[[R], str]
    value: Callable[[R], Any] | None = None
    justify: Justify = "right"
    rank: int = 0
    asked: bool = False
    flows: bool = False

    @property
    def key(self) -> str:
        """How it is asked for: `receptive-field`."""
        return self.name.lower().replace(" ", "-").replace("_", "-")


class View(NamedTuple):
    """What is asked for of a table.

    Attributes:
        columns: keys of those to show, in that order; none for all that are usual.
        sort: keys of those by which rows are sorted; behind a `-` the largest come first.
    """

    columns: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()


USUAL = View()


def tabulate(columns: Sequence[Column[R]], rows: Sequence[R], view: View = USUAL) -> Grid:
    """Rows as a table.

    Args:
        columns: all that there are; the first says what a row is of, and is always shown.
        rows: of whatever the columns take.
        view: which of them, and in which order.

    Raises:
        ConfigError: if there is no such column.
    """
    first = columns[0]
    if view.columns:
        wanted = [found(columns, key) for key in dict.fromkeys(view.columns)]
        shown = [column._replace(rank=0) for column in (wanted if first in wanted else [first, *wanted])]
    else:
        shown = [column for column in columns if not column.asked]
    grid = Grid([GridColumn(c.name, c.justify, c.rank, c.flows) for c in shown], asked_by=COLUMNS)
    by_column = [[column.text(row) for row in arranged(columns, rows, view.sort)] for column in shown]
    grid.rows = list(zip(*by_column, strict=True))
    return grid


def texts_grid(rows: Sequence[Row], ranks: Mapping[str, int], left: Container[str], view: View = USUAL) -> Grid:
    """Rows of texts as a table, a column for each of their keys.

    Args:
        rows: of equal keys.
        ranks: how dispensable columns are; those that are not named are not.
        left: those that are no numbers.
        view: which of them, and in which order.

    Raises:
        ConfigError: if there is no such column.
    """
    columns: list[Column[Row]] = [
        Column(name, itemgetter(name), justify="left" if name in left else "right", rank=ranks.get(name, 0))
        for name in rows[0]
    ]
    return tabulate(columns, rows, view)


def found(columns: Sequence[Column[R]], key: str) -> Column[R]:
    """The column of a key.

    Raises:
        ConfigError: if there is none.
    """
    word = key.strip().lower().replace(" ", "-").replace("_", "-")
    for column in columns:
        if column.key == word and word:
            return column
    known = [column.key for column in columns if column.name]
    raise single_problem(
        f"there is no column '{key}'{did_you_mean(word, known)}; there are {', '.join(known)}", Code.WRONG_VALUE
    )


def arranged(columns: Sequence[Column[R]], rows: Sequence[R], sort: Sequence[str]) -> Sequence[R]:
    """The rows by some columns, those without a value last.

    Raises:
        ConfigError: if there is no such column.
    """
    for key in reversed(sort):
        downwards = key.startswith("-")
        column = found(columns, key.removeprefix("-"))
        value = column.value or column.text
        known = [row for row in rows if value(row) is not None]
        rest = [row for row in rows if value(row) is None]
        rows = [*sorted(known, key=value, reverse=downwards), *rest]
    return rows
