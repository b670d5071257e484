"""Where a result goes, and in which form: the one place that knows endings, colours and files."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from archlab.cli.characters import shown
from archlab.cli.report import Report

OK, WRONG_INPUT, WRONG_USAGE = 0, 1, 2

TEXTS = {".json": "json", ".csv": "csv", ".md": "markdown", ".txt": "table"}
PAGES = {".html": "html", ".tex": "latex", ".xlsx": "xlsx"}
PICTURES = {".png": "picture", ".svg": "picture", ".pdf": "picture"}


class UsageError(Exception):
    """The command line cannot be meant so."""


class Forms(NamedTuple):
    """The forms that a command's result can take.

    Attributes:
        endings: of files, and the form that each chooses.
        named: forms that `--format` takes.
        default: without a file and `--format`.
    """

    endings: Mapping[str, str]
    named: Sequence[str] = ()
    default: str = "table"

    def chosen(self, form: str | None, path: Path | None) -> str:
        """The form that is asked for, or that the file's ending names.

        Raises:
            UsageError: for an ending that names none.
        """
        if form is not None:
            return form
        if path is None or not self.endings:
            return self.default
        if path.suffix not in self.endings:
            hint = ", or give --format" if self.named else ""
            raise UsageError(f"-o {path}: the ending must be one of {' '.join(self.endings)}{hint}")
        return self.endings[path.suffix]


ROWS = Forms(TEXTS, tuple(dict.fromkeys(["table", *TEXTS.values()])))
"""Of most reports."""
TEXT = Forms({}, default="text")
"""One form, whatever the file is called."""


def add_output(parser: argparse.ArgumentParser) -> None:
    """The file."""
    parser.add_argument("-o", dest="write_to", type=Path, metavar="FILE", help="write to a file instead of stdout")


def add_form(parser: argparse.ArgumentParser, forms: Forms = ROWS) -> None:
    """The file and the form."""
    add_output(parser)
    parser.add_argument(
        "--format", choices=forms.named, help="form of the result (table, or by the ending of -o: .json .csv .md)"
    )


def deliver(report: Report, form: str, path: Path | None) -> int:
    """Write a result to stdout or its file.

    Args:
        report: the result.
        form: which of its forms.
        path: the file; None for stdout.

    Returns:
        The exit status.
    """
    for note in report.notes:
        sys.stderr.write(f"archlab: {note}\n")
    status = OK if report.ok else WRONG_INPUT
    if path is not None and form in report.files:
        report.files[form](path)
        _draw_beside(report)
        return status
    text = _text(report, form, colour=path is None and is_terminal())
    _draw_beside(report)
    return _print(text, status) if path is None else _write(text, path, status)


def _draw_beside(report: Report) -> None:
    """What goes beside the result, once there is one."""
    for path, draw in report.beside.items():
        draw(path)


def is_terminal() -> bool:
    """Whether stdout is a person's terminal."""
    return sys.stdout.isatty()


def _text(report: Report, form: str, *, colour: bool) -> str:
    text = report.table(colour) if form == "table" and report.table is not None else report.texts[form]()
    if colour and (form == "table" or form in report.prose):
        from archlab.report.fitted import fitted_text
        from archlab.report.terminal import terminal_width

        return fitted_text(text, terminal_width())
    return text


def _write(text: str, path: Path, status: int) -> int:
    from archlab.files.output import write_text

    try:
        write_text(path, text)
    except OSError as error:
        sys.stderr.write(f"archlab: cannot write {path}: {error.strerror}\n")
        return WRONG_INPUT
    return status


def _print(text: str, status: int) -> int:
    if not text:
        return status
    try:
        sys.stdout.write(shown(text))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        sys.stderr.write(f"archlab: cannot write the result: {error.strerror}\n")
        silence()
        return WRONG_INPUT
    return status


def silence() -> None:
    """Keep Python from complaining at exit about what it could not write."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
