"""Data frames as a workbook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.requirements import require
from archlab.files.output import replacing
from archlab.report.escape import spreadsheet_text

if TYPE_CHECKING:
    import pandas as pd


def save_workbook(sheets: dict[str, pd.DataFrame], path: Path) -> None:
    """Write a .xlsx file with a sheet for each frame.

    Raises:
        ConfigError: if the file cannot be written.
        MissingRequirementError: without the extra `report`.
    """
    require("xlsxwriter", "report", "a workbook")
    import pandas as pd
    from xlsxwriter.exceptions import FileCreateError  # type: ignore[import-untyped]

    # text is text: nothing of a name becomes a formula or a link, here or when it is saved as .csv
    options = {"options": {"strings_to_formulas": False, "strings_to_urls": False}}
    try:
        with replacing(path) as made, pd.ExcelWriter(made, engine="xlsxwriter", engine_kwargs=options) as writer:
            for name, frame in sheets.items():
                frame.map(spreadsheet_text).to_excel(writer, sheet_name=name, index=False, freeze_panes=(1, 1))
                writer.sheets[name].autofit()
    except (OSError, FileCreateError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise single_problem(f"cannot write {path}: {reason or error}", "file") from None
