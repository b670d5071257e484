"""The reports in `reports/` are those that the code makes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archlab.cli.commands import compare
from reports.__main__ import REPORTS, make
from tests import presets

FOLDER = Path(__file__).parents[3] / "reports"
LIBRARY = re.compile(r"<script>.*?</script>", re.DOTALL)
"""Vega, whose version is not ours, and the page's own script."""


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_up_to_date(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(compare, "analyze_target", lambda target, _options: presets.analysis(target))  # once for all
    (tmp_path / "reports").mkdir()
    assert make(name) == 0
    new, old = (LIBRARY.sub("", (place / name).read_text(encoding="utf-8")) for place in (tmp_path / "reports", FOLDER))
    assert new == old, f"reports/{name} is stale: python -m reports"


def test_there_is_nothing_else() -> None:
    made = {path.name for path in FOLDER.iterdir() if path.suffix not in {".py", ""}}
    assert made == {*REPORTS, "README.md"}
