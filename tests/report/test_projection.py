"""The report of `archlab receptive-field --projective`."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from archlab.api.load import load, loads
from archlab.cli.main import main
from archlab.diagnostics.problem import ConfigError
from archlab.report.plot.projection import draw, relation
from archlab.report.plot.style import style
from tests.command import run

CUT = """
name: cut
input: [1, 12, 11]
layers:
  - {name: down, type: conv2d, out_channels: 1, kernel_size: 3, stride: 2}
  - {name: crop, type: zero_pad2d, padding: [-2, 0, 0, 0]}
  - {name: end, type: conv2d, out_channels: 1, kernel_size: 2, dilation: 2}
"""
HOLES = """
name: holes
input: [1, 32, 32]
layers:
  - {name: body, type: conv2d, out_channels: 1, kernel_size: 3, dilation: 4, padding: 4}
  - {type: branches, merge: add, paths: [[], [{type: conv2d, out_channels: 1, kernel_size: 3, padding: 1}]]}
"""


@pytest.fixture
def cut(tmp_path: Path) -> str:
    path = tmp_path / "cut.yaml"
    path.write_text(CUT)
    return str(path)


def test_what_is_reached_and_what_reaches_no_result(capsys: pytest.CaptureFixture[str], cut: str) -> None:
    """By hand: `down` leaves row 11 out; `crop` columns 0-3, which `down` has in 0 and 1; `end` column 7, in its 3."""
    _, out, _ = run(capsys, "receptive-field", cut, "--projective", "--at", "4,6", "--layer", "crop")
    assert "cut: input 1x1x12x11, position 4,6\n" in out
    assert "position 4,6 reaches 2 x 2 of the 5 x 3 units of crop\n" in out
    assert "no result is reached by row 11: left out by down\n" in out
    assert "no result is reached by columns 0-3, 7: left out by crop and end\n" in out
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.startswith((" down", " crop", " end"))}
    assert rows["down"][3:] == ["{0,", "1,", "2},", "{1,", "2}", "1/2", "1-2", "x", "2-3", "100%", "0", "1,", "0"]


def test_json_rows_and_the_python_face_say_the_same(capsys: pytest.CaptureFixture[str], cut: str) -> None:
    report = load(cut).analyze().projective_field("crop", (4, 6))
    _, out, _ = run(
        capsys, "receptive-field", cut, "--projective", "--at", "4,6", "--layer", "crop", "--format", "json"
    )
    found: dict[str, Any] = json.loads(out)
    assert found == json.loads(json.dumps(report.to_dict()))
    assert (found["layer"], found["at"]) == ("crop", [4, 6])
    assert found["reached"] == [[[1, 2]], [[0, 1]]]
    layers = {layer["path"]: layer for layer in found["layers"]}
    field = layers["down"]["projective_field"]
    assert field["sizes"] == [[0, 1, 2], [1, 2]]
    assert field["counts"] == [[1, 7, 4], [7, 4]]
    assert field["stride"] == ["1/2", "1/2"]
    assert (field["all"], field["none"]) == ([0, 0], [1, 0])
    assert layers["end"]["reached"] == found["outputs"][0]["reached"]
    _, out, _ = run(capsys, "receptive-field", cut, "--projective", "--at", "4,6", "--format", "csv")
    rows = list(csv.DictReader(StringIO(out)))
    assert [row["reached"] for row in rows] == [row["reached"] for row in report.rows()]
    _, out, _ = run(capsys, "receptive-field", cut, "--projective", "--format", "markdown")
    assert out.startswith("| layer | type | output | size | stride | reached |")


def test_holes_are_listed() -> None:
    report = loads(HOLES).analyze().projective_field(at=(16, 2))
    assert report.reached == [[(11, 13), (15, 17), (19, 21)], [(1, 3), (5, 7)]]
    assert report.rows()[-1]["reached"] == "11-13, 15-17, 19-21 x 1-3, 5-7"
    assert report.rows()[-1]["coverage"] == "80%"  # 0, 1, 3-5, 7-9 from row 4


def test_several_results_and_gates() -> None:
    """A position counts as reaching a result if it reaches any; through a gate it reaches more than its field."""
    text = (
        "input: [2, 12, 12]\nlayers:\n  - {name: a, type: zero_pad2d, padding: [0, 0, -3, 0]}\n"
        "  - {name: b, from: input, type: zero_pad2d, padding: [0, 0, -5, -1]}\noutputs: [a, b]\n"
    )
    report = loads(text).analyze().projective_field(at=(3, 3))
    assert report.unreached_texts() == ["no result is reached by rows 0-2: left out by a and b"]
    assert [output["reached"] for output in report.to_dict()["outputs"]] == [[[[0, 0]], [[3, 3]]], None]
    gated = (
        "input: [2, 12, 12]\nlayers: [{type: squeeze_excitation, squeeze_channels: 1}, "
        "{name: c, type: zero_pad2d, padding: [0, 0, -2, 0]}]"
    )
    report = loads(gated).analyze().projective_field(at=(0, 0))
    assert report.unreached_texts() == ["no result but through a gate is reached by rows 0-1: left out by c"]
    assert report.reach_text() == "position 0,0 reaches no unit of c"
    assert report.rows()[-1]["reached"] == "none"
    assert any("+context" in note for note in report.notes())


def test_every_second_row() -> None:
    text = "input: [1, 20, 20]\nlayers: [{name: s, type: conv2d, out_channels: 1, kernel_size: 1, stride: 2}]"
    assert loads(text).analyze().projective_field().unreached_texts() == [
        "no result is reached by 10 rows (1, 3, 5, ...) and 10 columns (1, 3, 5, ...): left out by s"
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--projective", "--at", "12,3"],
            "--at 12,3: the input has 12 rows and 11 columns, so that the last position",
        ),
        (["--projective", "--at", "3"], "--at 3: the input has 2 axes; write ROW,COLUMN"),
        (["--unit", "3"], "--unit 3: the output of end has 2 axes; write ROW,COLUMN"),
        (["--projective", "--layer", "dwn"], "cut has no layer 'dwn'; did you mean 'down'?"),
    ],
)
def test_wrong_places(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], cut: str) -> None:
    status, _, error = run(capsys, "receptive-field", cut, *arguments)
    assert status == 1
    assert message in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--projective", "--unit", "1,1"], "--unit is of receptive fields, not of --projective ones; write --at"),
        (["--projective", "--effective"], "--effective is of receptive fields"),
        (["--at", "1,1"], "--at is a position of the input: it goes with --projective"),
        (["--projective", "--at", "1,x"], "must be ROW,COL such as 3,3, or a number for each other axis, not '1,x'"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], cut: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["receptive-field", cut, *arguments])
    assert stopped.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_flat_input_has_no_positions() -> None:
    analysis = loads("input: [8]\nlayers: [{type: linear, out_features: 2}]").analyze()
    with pytest.raises(ConfigError, match="has no positions, so that nothing has a projective field"):
        analysis.projective_field()


def test_the_picture() -> None:
    report = loads(HOLES).analyze().projective_field(at=(16, 2))
    with style():
        figure = draw(report)
    shown = "\n".join(
        [text.get_text() for axes in figure.axes if (box := axes.get_legend()) for text in box.get_texts()]
    )
    for words in ("the position: 16, 2", "projective field: 11 x 7", "units reached: 9 x 6", "map: 32 x 32"):
        assert words in shown, words
    seen = relation(report.projections[0])
    assert seen.shape == (32, 32)
    assert [int(unit) for unit in seen[16].nonzero()[0]] == [11, 12, 13, 15, 16, 17, 19, 20, 21]


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_equal_reports_give_equal_files(suffix: str, tmp_path: Path, cut: str) -> None:
    paths = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for path in paths:
        assert main(["receptive-field", cut, "--projective", "-o", str(path)]) == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "input: [2, 60]\nlayers: [{type: conv1d, out_channels: 1, kernel_size: 3, dilation: 4}]",
            ("the position: 30", "projective field: 9", "units reached: 3", "map: 52"),
        ),
        (
            "input: [1, 8, 12, 9]\nlayers: [{type: conv3d, out_channels: 1, kernel_size: [1, 3, 3]}]",
            ("the position: 4, 6, 4", "projective field: 1 x 3 x 3", "map: 8 x 10 x 7"),
        ),
    ],
)
def test_one_axis_is_a_band_and_three_the_plane_of_the_position(text: str, words: tuple[str, ...]) -> None:
    with style():
        figure = draw(loads(text).analyze().projective_field())
    shown = "\n".join(
        [text.get_text() for axes in figure.axes if (box := axes.get_legend()) for text in box.get_texts()]
    )
    for word in words:
        assert word in shown, word
