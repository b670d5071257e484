"""Rows as a workbook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archlab.analysis.row import Row
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.requirements import require
from archlab.files.output import replacing
from archlab.report.bounds import check_rows
from archlab.report.escape import spreadsheet_text


def save_workbook(sheets: dict[str, list[Row]], path: Path) -> None:
    """Write a .xlsx file with a sheet for each list of rows.

    Raises:
        ConfigError: for too many rows, or if the file cannot be written.
        MissingRequirementError: without the extra `report`.
    """
    require("xlsxwriter", "report", "a workbook")
    from xlsxwriter import Workbook  # type: ignore[import-untyped]
    from xlsxwriter.exceptions import FileCreateError  # type: ignore[import-untyped]

    check_rows(sum(map(len, sheets.values())), "a workbook")
    try:
        with replacing(path) as made, Workbook(made) as book:
            bold = book.add_format({"bold": True})
            for name, rows in sheets.items():
                _write(book.add_worksheet(name), rows, bold)
    except (OSError, FileCreateError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise single_problem(f"cannot write {path}: {reason or error}", Code.FILE) from None


def _write(sheet: Any, rows: list[Row], bold: Any) -> None:
    """The names of the columns, then the rows. Text is text: nothing of a name becomes a formula or a link."""
    for column, name in enumerate(rows[0] if rows else ()):
        sheet.write_string(0, column, name, bold)
    for number, row in enumerate(rows, 1):
        for column, value in enumerate(row.values()):
            if isinstance(value, str):
                sheet.write_string(number, column, spreadsheet_text(value))
            elif isinstance(value, bool):
                sheet.write_boolean(number, column, value)
            elif value is not None:
                sheet.write_number(number, column, value)
    sheet.freeze_panes(1, 1)
    sheet.autofit()
