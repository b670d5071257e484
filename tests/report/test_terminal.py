"""What a person's terminal shows beyond what a pipe gets."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from archlab.api.network import load
from archlab.report import terminal
from archlab.report.table import analysis_table
from archlab.report.terminal import BAR_WIDTH, bar


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


def test_long_tables_look_like_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of rows are not measured for wrapping."""
    analysis = load("resnet18").analyze()
    short = analysis_table(analysis, None)
    monkeypatch.setattr(terminal, "MOST_ROWS", 3)
    assert analysis_table(analysis, None) == short
