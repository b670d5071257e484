"""`archlab sweep`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from archlab.api.load import load
from archlab.diagnostics import requirements
from archlab.report import sweep as report
from tests.command import run

AXES = Path(__file__).parents[1] / "axes"
VARY = ["--vary", "d1=1..2", "--vary", "d3=3..8", "--vary", "input=[64, 96]"]


def test_rows_are_those_of_analyze(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(
        capsys, "sweep", "resnet50", *VARY, "--where", "macs <= 600M", "--sort=-macs", "--format", "csv"
    )
    assert status == 0
    rows = list(csv.DictReader(out.splitlines()))
    assert "24 designs; " in err
    assert "20 were analysed as a whole too, and are equal in every figure" in err
    macs = [int(row["macs"]) for row in rows]
    assert 0 < len(rows) < 24
    assert macs == sorted(macs, reverse=True)
    assert macs[0] <= 600_000_000
    for row in rows[:2]:
        size = tuple(map(int, row["input"].split("x")))
        total = load("resnet50", input=size, d1=int(row["d1"]), d3=int(row["d3"])).analyze().total
        height = total.receptive_field.height
        assert height is not None
        assert int(row["params"]) == total.params
        assert int(row["memory_inference_peak"]) == total.memory.inference_peak
        assert int(row["receptive_field_h"]) == height.sizes[0]


def test_forms(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = run(capsys, "sweep", "resnet18", "--vary", "d1=1..2", "--format", "json")
    assert status == 0
    found = json.loads(out)
    assert (found["designs"], found["invalid"], found["checked"]) == (2, 0, 2)
    assert [row["d1"] for row in found["rows"]] == [1, 2]
    for name in ("a.md", "a.csv", "a.json", "a.txt"):
        assert run(capsys, "sweep", "resnet18", "--vary", "d1=1..2", "-o", str(tmp_path / name))[0] == 0
        assert "d1" in (tmp_path / name).read_text()


def test_designs_as_they_are_deployed(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["sweep", "resnet18", "--vary", "d1=1..3", "--dtype", "int8", "--deploy", "--format", "csv"]
    status, out, err = run(capsys, *given)
    assert status == 0
    assert "3 were analysed one by one" in err
    for row in csv.DictReader(out.splitlines()):
        total = load("resnet18", d1=int(row["d1"])).deploy().analyze(dtype="int8").total
        assert int(row["params"]) == total.params
        assert int(row["memory_inference_peak"]) == total.memory.inference_peak
    written = run(capsys, "sweep", "resnet18", "--vary", "d1=1..3", "--format", "csv")[1]
    assert written != out


def test_what_follows_from_other_params_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["sweep", "resnet18", "--vary", "d1=1..3", "--vary", "d2=$(d1 + 1)", "--format", "csv"]
    rows = list(csv.DictReader(run(capsys, *given)[1].splitlines()))
    assert [(row["d1"], row["d2"]) for row in rows] == [("1", "2"), ("2", "3"), ("3", "4")]
    assert int(rows[1]["params"]) == load("resnet18", d1=2, d2=3).analyze().total.params


def test_imported_networks_are_written_as_configs_first(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "sweep", "torchvision:resnet18", "--vary", "d1=1..3")
    assert (status, out) == (1, "")
    assert (
        "torchvision:resnet18 has no params to vary; write it as a config first: archlab import torchvision:resnet18"
        in err
    )


def test_where_no_design_is_a_network_the_mistake_is_placed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("input: [3, 8, 8]\nparams: {w: 4}\nlayers:\n  - {type: conv2d, out_channels: $w, kernel_sise: 3}\n")
    status, out, err = run(capsys, "sweep", str(path), "--vary", "w=1..3")
    assert (status, out) == (1, "")
    assert "wrong.yaml:4:38: conv2d has no option 'kernel_sise'; did you mean 'kernel_size'?" in err
    assert "equal in every figure" not in err


def test_who_lacks_pyarrow_is_told_before_the_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "_is_installed", lambda module: module != "pyarrow")
    status, out, err = run(capsys, "sweep", "resnet18", "--vary", "d1=1..2", "-o", str(tmp_path / "a.parquet"))
    assert (status, out) == (1, "")
    assert err.endswith('a Parquet file needs pyarrow, which is not installed: pip install "archlab[sweep]"\n')
    assert "designs" not in err


def test_parquet(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    assert run(capsys, "sweep", "resnet18", "--vary", "d1=1..2", "--vary", "input=[64]", "-o", str(path))[0] == 0
    table = parquet.read_table(path)
    total = load("resnet18", input=(3, 64, 64), d1=1).analyze().total
    row = table.to_pylist()[0]
    assert (row["d1"], row["input"], row["params"], row["macs"]) == (1, "3x64x64", total.params, total.macs)


def test_the_front(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "sweep", "resnet50", *VARY, "--pareto", "macs,receptive_field", "--format", "csv")
    rows = list(csv.DictReader(out.splitlines()))
    assert status == 0
    assert {row["input"] for row in rows} == {"3x64x64"}
    assert f"{len(rows)} on the exact front of macs, receptive_field" in err


@pytest.mark.parametrize("name", ["one", "three"])
def test_other_axes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = AXES / f"{name}.yaml"
    size = load(str(config)).graph.input_shape
    shape = "x".join(map(str, size))
    status, out, _ = run(capsys, "sweep", str(config), "--vary", f"input=[{shape}]", "--format", "csv")
    assert status == 0
    row = next(csv.DictReader(out.splitlines()))
    assert int(row["macs"]) == load(str(config)).analyze().total.macs
    assert ("receptive_field_l" in row) == (name == "one")
    assert ("receptive_field_d" in row) == (name == "three")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing varies; give values: --vary width=16..128:8"),
        (["--vary", "d1=1..2", "--where", "mac < 3M"], "--where mac < 3M: there is no figure 'mac'"),
        (["--vary", "d1=1..2", "--where", "memory.inference_peak < 3"], "has no unit"),
        (["--vary", "d1=1..2", "--sort", "mac"], "--sort: there is no 'mac'"),
        (["--vary", "d1=1..2", "--pareto", "depth"], "a front is of params,"),
        (["--vary", "d1=$(foo)"], "--vary d1:1:3: there is no param 'foo' here"),
        (["--vary", "d1=1..9999", "--vary", "d2=1..9999"], "at most 10,000,000 are listed one by one"),
    ],
)
def test_problems(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "sweep", "resnet18", *arguments)
    assert (status, out) == (1, "")
    assert message in err


def test_resume_needs_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "sweep", "resnet18", "--vary", "d1=1..2", "--resume")
    assert status == 2
    assert "--resume goes on with a file; give -o FILE" in err


def test_a_sweep_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("sweep: resnet18\nvary:\n  d1: 1..3\n  d2: 3..1\n")
    status, _, err = run(capsys, "sweep", str(path))
    assert status == 1
    assert f"{path}:4:7: 3..1 goes down" in err
    path.write_text("sweep: resnet18\nvary: {d1: 1..3}\nwhere: macs <= 1.6G\n")
    status, out, err = run(capsys, "sweep", str(path), "--format", "csv")
    assert status == 0
    assert len(out.splitlines()) == 2
    assert "3 designs; 1 within macs <= 1.6G" in err


@pytest.mark.parametrize("form", ["CSV", "JSON"])
def test_a_text_has_a_bound(form: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(report.MOST_WRITTEN, form, 2)
    given = ["sweep", "resnet18", "--vary", "d1=1..3", "--format", form.lower()]
    status, out, err = run(capsys, *given)
    assert (status, out) == (1, "")
    assert f"3 designs are too many for {form}, which takes at most 2; narrow them by --where or --limit" in err
    assert run(capsys, *given, "--limit", "2")[0] == 0
