"""What a person's terminal shows beyond what a pipe gets."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from archlab.api.load import load
from archlab.report import coloured as coloured_module
from archlab.report.coloured import coloured
from archlab.report.grid import Justify, grid
from archlab.report.table import analysis_table
from archlab.report.terminal import BAR_WIDTH, bar, render


@pytest.mark.parametrize("eighths", range(BAR_WIDTH * 8 + 1))
def test_bars_are_as_long_as_their_share(eighths: int) -> None:
    text = bar(eighths / (BAR_WIDTH * 8))
    whole = text.count("\u2588")
    part = 0 if whole == len(text) else 8 - (ord(text[-1]) - ord("\u2588"))
    assert 8 * whole + part == eighths
    assert cell_len(text) <= BAR_WIDTH


def test_shares_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = load("resnet18").analyze()
    piped = analysis_table(analysis, 1)
    assert "of all MACs" not in piped
    assert "\x1b[" not in piped
    for width, has_bars in ((160, True), (70, False)):
        monkeypatch.setenv("COLUMNS", str(width))
        shown = analysis_table(analysis, 1, colour=True)
        assert ("of all MACs" in shown) == has_bars


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in analysis_table(load("resnet18").analyze(), 1, colour=True)


GRIDS = [
    [("layer", "left"), ("params", "right"), ("", "left")],
    [("the network", "left"), ("\u6a21\u578b", "right")],
    [("one", "right")],
]


@pytest.mark.parametrize("columns", GRIDS, ids=len)
def test_a_piped_table_looks_as_rich_draws_it(columns: list[tuple[str, Justify]]) -> None:
    table = grid(*columns)
    for cells in (("conv1", "1,728", "\u2588\u2588"), ("\u5377\u79ef", "-", ""), ("", "12", "[red]")):
        table.rows.append(cells[: len(columns)])
    drawn = re.sub(r"\x1b\[[0-9;]*m", "", coloured([table], 400))
    assert [line.rstrip() for line in drawn.splitlines()] == render([table], colour=False).split("\n")[:-1]


def test_long_tables_are_not_measured_for_wrapping(monkeypatch: pytest.MonkeyPatch) -> None:
    table = grid(("layer", "left"), ("params", "right"))
    table.rows = [("a" * 90, str(number)) for number in range(4)]
    assert "a" * 90 not in coloured([table], 60)
    monkeypatch.setattr(coloured_module, "MOST_ROWS", 3)
    assert coloured([table], 60) == table.text()
