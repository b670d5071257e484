"""What a person's terminal shows beyond what a pipe gets."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from archlab.api.load import load
from archlab.report.fitted import fitted
from archlab.report.grid import Grid, GridColumn, Prose, cell_width, grid
from archlab.report.table import analysis_table
from archlab.report.terminal import BAR_WIDTH, bar, render
from archlab.report.wrapped import wrapped
from tests.chunks import check_each


def test_bars_are_as_long_as_their_share() -> None:
    check_each(range(BAR_WIDTH * 8 + 1), check_bar)


def check_bar(eighths: int) -> None:
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
        assert ("\u2588" in shown) == has_bars


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in analysis_table(load("resnet18").analyze(), 1, colour=True)


TEXTS = ["conv1", "1,728", "\u2588\u2588", "\u5377\u79ef", "gr\u00f6\u00dfe", "e\u0301", "[red]", "\uff21\uff22"]


@pytest.mark.parametrize("text", TEXTS)
def test_texts_take_as_many_columns_as_rich_says(text: str) -> None:
    assert cell_width(text) == cell_len(text)


def test_a_column_of_wide_letters_is_straight() -> None:
    table = grid(("the network", "left"), ("\u6a21\u578b", "right"))
    table.rows = [("conv1", "1,728"), ("\u5377\u79ef", "-"), ("", "12")]
    lines = table.text().splitlines()[1:-1]
    assert {cell_len(line) for line in lines} == {1 + 11 + 3 + 5}


def test_columns_go_by_rank_and_sentences_before_paths() -> None:
    columns = [
        GridColumn("layer"),
        GridColumn("why", flows=True),
        GridColumn("params", "right", 1),
        GridColumn("", rank=2),
    ]
    why = "the backward pass of features.stage.relu1"
    rows: list[tuple[str, ...]] = [("features.stage.conv1", why, "1,234,567", "\u2588\u2588")]
    shown = fitted([Grid(columns, rows, "columns")], 60)
    assert "\u2588" not in shown
    assert " features.stage.conv1   the backward pass of   1,234,567" in shown
    shown = fitted([Grid(columns, rows, "columns")], 46)
    assert " features.stage.conv1   the backward pass of\n" in shown
    assert "Left out in 46 columns: params; a wider" in shown
    shown = fitted([Grid(columns, rows)], 40)
    assert " features.stage.   the backward pass of" in shown
    assert " conv1             features.stage.relu1" in shown


def test_lines_go_on_below_what_their_label_leads_to() -> None:
    line = "memory    107.5 MiB at the peak (layer1.0.shortcut.bn), of it 97.70 MiB params"
    assert wrapped(line, 40) == [
        "memory    107.5 MiB at the peak",
        "          (layer1.0.shortcut.bn), of it",
        "          97.70 MiB params",
    ]
    assert wrapped("a" * 50 + " b", 40) == ["a" * 50, "b"]


def test_prose_is_filled_in_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    prose = Prose(("Sizes are in", "input positions."))
    assert render([prose], colour=False) == "Sizes are in\ninput positions.\n"
    monkeypatch.setenv("COLUMNS", "60")
    assert render([prose], colour=True) == "Sizes are in input positions.\n"
