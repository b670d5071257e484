"""The page and the charts of a sweep."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from archlab.report import sweep_points
from archlab.report.page.sweep import distribution, scatter
from archlab.report.sweep_points import KEYS
from archlab.sweep.run import sweep
from archlab.sweep.work import Question
from tests.command import run
from tests.sweep.spaces import space
from tests.sweep.test_front import CHAIN

VARY = {"a": "4..12:4", "b": "[4, 8]", "c": "[4, 8, 16]", "e": "0..3", "f": "1..4"}


def test_the_page_has_every_design(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    given = ["sweep", "resnet18", "--vary", "d1=1..3", "--vary", "d2=1..2", "--where", "macs <= 2G"]
    assert run(capsys, *given, "-o", str(path))[0] == 0
    text = path.read_text()
    assert text.count("\n<tr><td") == 5
    assert "Varies: d1 (3), d2 (2). Within macs &lt;= 2G." in text
    specs = json.loads(re.findall(r'id="specs">(.*?)</script>', text, re.DOTALL)[0])
    assert list(specs) == ["pareto", "distribution"]
    assert len(specs["pareto"]["data"]["values"]) == 5
    assert sum(record["designs"] for record in specs["distribution"]["data"]["values"]) == 5 * 5


def test_of_many_designs_those_on_the_lines_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    of = space(CHAIN, VARY)
    designs = sweep(Question(of), 1)
    monkeypatch.setattr(sweep_points, "MOST_POINTS", 30)
    points = scatter(of, designs)["data"]["values"]
    assert 29 <= len(points) < 150
    largest = max(point["receptive_field"] for point in points)
    every = [(int(designs.columns["macs"][row]), designs.seen[row][0]) for row in range(len(designs))]
    assert largest == max(axis[0] for _, axis in every if axis is not None)
    cheapest = min(macs for macs, axis in every if axis is not None and axis[0] == largest)
    assert min(point["macs"] for point in points if point["receptive_field"] == largest) == cheapest


def test_intervals_hold_what_they_say() -> None:
    designs = sweep(Question(space(CHAIN, VARY)), 1)
    records = distribution(designs)["data"]["values"]
    assert {record["figure"] for record in records} == {*KEYS}
    for record in records:
        by = 2**20 if record["figure"] == "inference_peak" else 1
        column = designs.columns[KEYS[record["figure"]]]
        assert record["designs"] == sum(record["low"] <= value / by < record["high"] for value in column)
