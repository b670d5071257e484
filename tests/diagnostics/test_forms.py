"""Problems for programs: JSON, GitHub's annotations and SARIF."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from archlab.cli.main import main

BAD = """
input: [3, 32, 32]
blocks:
  unit: {layers: [{type: conv2d, kernal_size: 3, out_channels: 8}]}
layers:
  - {name: a, use: unit}
  - {type: "50%, no: type", out_features: 3}
"""


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    return path


def output(capsys: pytest.CaptureFixture[str], path: Path, form: str) -> str:
    assert main(["validate", str(path), "--format", form]) == 1
    return capsys.readouterr().out


def test_json(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (target,) = json.loads(output(capsys, bad, "json"))["targets"]
    first, second = target["problems"]
    assert (first["line"], first["column"], first["end_column"]) == (4, 34, 45)
    assert BAD.splitlines()[first["line"] - 1][first["column"] - 1 : first["end_column"] - 1] == "kernal_size"
    assert first["trail"] == ["in block 'unit', used by a at line 6"]
    assert second["code"] == "unknown-layer"
    assert main(["validate", "resnet18", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["targets"] == [{"target": "resnet18", "networks": 1, "problems": []}]


def test_github(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = output(capsys, bad, "github").splitlines()
    assert first.startswith(
        f"::error title=archlab unknown-option,file={bad},line=4,col=34,endLine=4,endColumn=45::conv2d"
    )
    assert first.endswith("%0Ain block 'unit', used by a at line 6")
    assert "'50%25, no: type'" in second  # a percent sign would begin an escape


def test_sarif(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = json.loads(output(capsys, bad, "sarif"))["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["unknown-layer", "unknown-option"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        (location,) = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == str(bad)
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 4,
        "startColumn": 34,
        "endLine": 4,
        "endColumn": 45,
    }


def test_problems_without_a_place(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"
    assert json.loads(output(capsys, missing, "sarif"))["runs"][0]["results"][0]["locations"] == []
    assert output(capsys, missing, "github").startswith("::error title=archlab unreadable::")


def test_the_hook_for_pre_commit() -> None:
    hooks = yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text())
    assert [hook["entry"] for hook in hooks] == ["archlab validate", "archlab fmt"]
    assert {hook["language"] for hook in hooks} == {"python"}
