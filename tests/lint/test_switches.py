"""Rules are switched off in a config and on the command line; what is found has a place and a form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archlab.api.lint import lint
from tests.command import run

CONFIG = """\
# a network
archlab: 1
input: [3, 32, 32]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 4, padding: same}
  - {type: conv2d, out_channels: 8, kernel_size: 4, padding: same}
"""
LINE = "  - {type: conv2d, out_channels: 8, kernel_size: 4, padding: same}\n"


def lines(tmp_path: Path, text: str) -> list[tuple[int, str]]:
    """Line and code of what is found."""
    path = tmp_path / "net.yaml"
    path.write_text(text)
    problems = lint(str(path)).problems
    return [(problem.place.line + 1, problem.code) for problem in problems if problem.place is not None]


def test_comments_switch_rules_off(tmp_path: Path) -> None:
    both = [(5, "even-kernel"), (6, "even-kernel")]
    assert lines(tmp_path, CONFIG) == both
    behind = LINE.replace("}\n", "}  # lint: off even-kernel\n")
    assert lines(tmp_path, CONFIG.replace(LINE + LINE, behind + LINE)) == both[1:]
    assert lines(tmp_path, CONFIG.replace(LINE + LINE, LINE + behind)) == both[:1]
    above = "  # lint: off gridding, even-kernel since it is an example\n"
    assert lines(tmp_path, CONFIG.replace(LINE + LINE, above + LINE + LINE)) == [(7, "even-kernel")]
    assert lines(tmp_path, CONFIG.replace("# a network\n", "# a network\n# lint: off even-kernel\n")) == []
    assert lines(tmp_path, CONFIG.replace("# a network", "# lint: off gridding")) == both
    assert lines(tmp_path, CONFIG + "# lint: off even-kernel\n") == both


def test_a_comment_in_an_extended_file_counts_there(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        CONFIG.replace(LINE + LINE, LINE.replace("}\n", "}  # lint: off even-kernel\n"))
    )
    assert lines(tmp_path, "extends: base.yaml\n") == []
    (tmp_path / "base.yaml").write_text(CONFIG)
    assert [code for _, code in lines(tmp_path, "extends: base.yaml\n")] == ["even-kernel"] * 2
    assert lines(tmp_path, "# lint: off even-kernel\nextends: base.yaml\n") == []


def test_comments_with_unknown_rules_are_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(CONFIG.replace(LINE, LINE.replace("}\n", "}  # lint: off even-kernels\n"), 1))
    status, out, _ = run(capsys, "lint", str(path))
    assert status == 1
    assert f"{path}:5:81: there is no rule 'even-kernels'; did you mean 'even-kernel'?  [wrong-value]" in out
    path.write_text("# lint: off\n" + CONFIG)
    status, out, _ = run(capsys, "lint", str(path))
    assert status == 1
    assert "'lint: off' names no rule; there are gridding" in out


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(CONFIG)
    status, out, _ = run(capsys, "lint", str(path))
    assert status == 0
    assert out.count("[even-kernel]") == 2
    assert out.startswith(f"{path}:5:5: warning: 'conv1': a kernel of 4 has no middle")
    assert run(capsys, "lint", str(path), "--strict")[0] == 1
    assert run(capsys, "lint", str(path), "--strict", "--off", "even-kernel")[:2] == (
        0,
        f"{path}: nothing to remark (1 network)\n",
    )
    assert run(capsys, "lint", str(path), "--strict", "--only", "gridding")[0] == 0
    status, _, err = run(capsys, "lint", str(path), "--only", "gridd")
    assert status == 1
    assert err == "there is no rule 'gridd'; did you mean 'gridding'?  [wrong-value]\n"
    assert run(capsys, "lint")[0] == 2
    assert run(capsys, "lint", "--rules", "--only", "gridding")[1].startswith("gridding: A dilated layer")


def test_a_wrong_config_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(CONFIG.replace("kernel_size", "kernal_size"))
    status, out, _ = run(capsys, "lint", str(path))
    assert status == 1
    assert "[unknown-option]" in out
    assert "warning" not in out


def test_forms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(CONFIG)
    (target,) = json.loads(run(capsys, "lint", str(path), "--format", "json")[1])["targets"]
    assert [(found["line"], found["code"], found["level"]) for found in target["problems"]] == [
        (5, "even-kernel", "warning"),
        (6, "even-kernel", "warning"),
    ]
    first = run(capsys, "lint", str(path), "--format", "github")[1].splitlines()[0]
    assert first.startswith(f"::warning title=archlab even-kernel,file={path},line=5,col=5,")
    (sarif,) = json.loads(run(capsys, "lint", str(path), "--format", "sarif")[1])["runs"]
    assert [result["level"] for result in sarif["results"]] == ["warning"] * 2
    (rule,) = sarif["tool"]["driver"]["rules"]
    assert rule["help"]["text"].endswith("See docs/lint.md#even-kernel.")


def test_variants_share_a_finding() -> None:
    (found,) = [problem for problem in lint("mobilenet_v1").problems if problem.code == "beyond-input"]
    assert found.trail[-1] == "in mobilenet_v1 and 5 more of 6 networks"
    assert lint("mobilenet_v1@mobilenet_v1_0_5").networks == 1
