"""The report of `archlab receptive-field`."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest

from archlab.api.load import load, loads
from archlab.api.receptive_field import receptive_field
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


CROPPED = """
name: cropped
input: [1, 41, 41]
params: {crop: 3}
layers:
  - {name: down, type: conv2d, out_channels: 1, kernel_size: 3, stride: 2}
  - {name: up, type: conv_transpose2d, out_channels: 1, kernel_size: 4, stride: 2}
  - {name: coarse, type: zero_pad2d, padding: [-4, -4, -4, -4]}
  - {name: fine, from: input, type: zero_pad2d, padding: [$(-crop), $(crop - 7), $(-crop), $(crop - 7)]}
  - {name: sum, type: add, with: [coarse]}
  - {name: end, type: relu}
"""


@pytest.mark.parametrize(
    ("crop", "largest", "text"),
    [(3, 1, "up to 1 input position apart, 0.5 in the mean"), (6, 3, "up to 3 input positions apart, 2.5 in the mean")],
)
def test_a_wrong_crop_reads_otherwise_than_the_right_one(
    crop: int, largest: int, text: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(CROPPED)
    target = (str(path), "--set", f"crop={crop}")
    _, out, _ = run(capsys, "analyze", *target)
    assert f"misaligned by {largest}, stride" in out
    assert f"\nmisaligned      at sum the centres of the joined units lie {text}\n" in out
    _, out, _ = run(capsys, "receptive-field", *target)
    assert f"misaligned by {largest}" in out
    assert f"At the worst join, sum: {text}." in out
    _, out, _ = run(capsys, "explain", str(path), "sum", *target[1:])
    assert f"joined here are not centred on one position: their centres lie {text}" in " ".join(out.split())
    _, out, _ = run(capsys, "explain", str(path), "end", *target[1:])
    assert "The units that sum, on the way, joins are not centred" in " ".join(out.split())
    _, out, _ = run(capsys, "analyze", *target, "--format", "json")
    found = json.loads(out)
    assert found["total"]["receptive_field"]["misalignment"]["largest"] == [largest] * 2
    layers = {layer["path"]: layer["receptive_field"] for layer in found["layers"]}
    assert layers["coarse"]["misalignment"] is None
    assert layers["sum"]["misalignment"]["layer"] == "sum"


FCN8S = """
input: [1, 500, 500]
params: {crop4: 5}
blocks:
  convs:
    params: {n: , pad: 1}
    layers:
      - {name: c, type: conv2d, out_channels: 1, kernel_size: 3, padding: 1, repeat: $n, first: {padding: $pad}}
      - {type: max_pool2d, kernel_size: 2, ceil_mode: true}
layers:
  - {name: s1, use: convs, n: 2, pad: 100}
  - {name: s2, use: convs, n: 2}
  - {name: s3, use: convs, n: 3}
  - {name: s4, use: convs, n: 3}
  - {name: s5, use: convs, n: 3}
  - {name: fc6, type: conv2d, out_channels: 1, kernel_size: 7}
  - {name: up2, type: conv_transpose2d, out_channels: 1, kernel_size: 4, stride: 2}
  - {name: cut, from: s4, type: zero_pad2d, padding: [$(-crop4), $(crop4 - 10), $(-crop4), $(crop4 - 10)]}
  - {name: sum, type: add, with: [up2]}
"""


@pytest.mark.parametrize(("crop", "numbers"), [(5, ([8.0] * 2, [8.0] * 2)), (6, ([24.0] * 2, [16.0] * 2))])
def test_the_crop_of_fcn8s(crop: int, numbers: tuple[list[float], list[float]]) -> None:
    # a unit is 16 positions: off by one, half of the units go from 8 to 24, the others from 8 to 8 on the other side
    network = loads(FCN8S, crop4=crop)
    apart = network.analyze().total.receptive_field.misalignment
    assert apart is not None
    assert apart.path == "sum"
    assert (list(map(float, apart.largest)), list(map(float, apart.mean))) == numbers


def test_why_a_join_sees_everything(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("""
input: [2, 24, 24]
layers:
  - {type: branches, paths: [[], [{type: global_avg_pool2d}, {type: interpolate, size: 24}]]}
  - {type: relu}
""")
    _, out, _ = run(capsys, "explain", str(path), "cat")
    assert "It joins branch.upsample, whose units see the whole image (24 x 24), and so do its own." in out
    _, out, _ = run(capsys, "explain", str(path), "relu")
    assert "Its input already sees the whole image" in out
