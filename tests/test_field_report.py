"""The report of `archlab receptive-field`."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import pytest

from archlab.api import load
from archlab.receptive_field import receptive_field
from tests.command import run

GATED = ("efficientnet_b0", "se_resnet50", "mobilenet_v3_small", "convnext_tiny", "resnet18")


@pytest.mark.parametrize("name", GATED)
def test_the_context_is_told_where_analyze_tells_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    report = receptive_field(load(name).analyze())
    context = {layer.node.path: layer.receptive_field.context for layer in report.analysis.layers}
    rows = report.growth_rows()
    assert [row["marks"] == "+context" for row in rows] == [context[row["layer"]] for row in rows]
    assert any(context.values()) == (name not in ("resnet18", "convnext_tiny"))
    if any(context.values()):  # the first gate has a row, although the size stays
        gate = next(path for path, there in context.items() if there)
        assert gate in [row["layer"] for row in rows]
    _, out, _ = run(capsys, "receptive-field", name)
    assert ("+context: a gate on the way" in out) == any(context.values())
    assert ("marks" in out) == any(context.values())


def test_rows_for_other_programs_have_the_same_columns_for_every_network(capsys: pytest.CaptureFixture[str]) -> None:
    headers = set()
    for name in ("resnet18", "mobilenet_v3_small"):
        _, out, _ = run(capsys, "receptive-field", name, "--format", "csv")
        headers.add(out.splitlines()[0])
        assert {row["size"].isdigit() for row in csv.DictReader(StringIO(out))} == {True}
    assert len(headers) == 1


def test_a_result_that_sees_everything_says_how_far_its_windows_reach(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("""
input: [2, 24, 24]
layers:
  - {type: branches, paths: [[], [{type: global_avg_pool2d}, {type: interpolate, size: 24}]]}
  - {name: end, type: conv2d, out_channels: 2, kernel_size: 3, padding: 1}
""")
    _, out, _ = run(capsys, "receptive-field", str(path))
    assert "global: each unit sees the whole input (at end); by its windows alone 3, stride 1, start -1" in out
    assert [line.split()[2:5] for line in out.splitlines() if line.startswith(" end ")] == [["2x24x24", "global", "24"]]
