"""`--columns`, `--units` and `--sort` of commands whose result is a table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from archlab.cli.output import UsageError

if TYPE_CHECKING:
    from archlab.report.columns import View
    from archlab.report.units import Units

TABLE = ("columns", "units", "sort")
"""The options, which are of tables alone."""


def add_table(parser: argparse.ArgumentParser, columns: str, *, sort: bool = True) -> None:
    """Which columns, in which units, in which order.

    Args:
        parser: of the command.
        columns: an example of what `--columns` takes.
        sort: whether the table has an order of its own.
    """
    group = parser.add_argument_group("the table")
    add_columns(group, columns)
    group.add_argument("--units", type=_units, metavar="UNIT", help="k, M, G, T, KiB, MiB, GiB, TiB, M,MiB, or exact")
    if sort:
        group.add_argument(
            "--sort", default="", metavar="NAME,...", help="rows by these columns; --sort=-NAME: the largest first"
        )
    else:
        parser.set_defaults(of_tables=TABLE[:2])


def add_columns(parser: argparse._ActionsContainer, columns: str) -> None:
    """Which columns alone."""
    parser.add_argument("--columns", default="", metavar="NAME,...", help=f"these columns alone: {columns}")


def _units(text: str) -> Units:
    from archlab.report.units import read_units

    try:
        return read_units(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def view_of(options: argparse.Namespace) -> View:
    """What is asked for of the table."""
    from archlab.report.columns import View

    return View(_words(options.columns), _words(vars(options).get("sort", "")))


def _words(text: str) -> tuple[str, ...]:
    return tuple([word.strip() for word in text.split(",") if word.strip()])


def units_of(options: argparse.Namespace) -> AbstractContextManager[None]:
    """The units that are asked for, while the result is written."""
    chosen = vars(options).get("units")
    if chosen is None:
        return nullcontext()
    from archlab.report.units import in_units

    return in_units(chosen)


def is_chosen(options: argparse.Namespace) -> bool:
    """Whether any of them is given."""
    return any(vars(options).get(name) for name in TABLE)


def refuse_elsewhere(options: argparse.Namespace, form: str, also: Sequence[str] = ()) -> None:
    """Refuse options of tables for another form, which has every number in full.

    Args:
        options: of the command.
        form: of the result.
        also: forms that the command writes as a table, too, where columns or units are chosen.

    Raises:
        UsageError: if one is given.
    """
    given = vars(options)
    if form in ("table", *also) or "columns" not in given:
        return
    for name in given.get("of_tables", TABLE):
        if given.get(name):
            raise UsageError(f"--{name} is of the table; {form} has every figure, in full and in its own order")
