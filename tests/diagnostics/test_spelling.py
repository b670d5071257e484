"""Messages name arguments as the caller writes them: Python's by name, options on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from archlab.analysis import analyze
from archlab.api.load import loads
from archlab.diagnostics.problem import ConfigError
from archlab.diagnostics.spelling import argument
from tests.command import run

NEEDS_WIDTH = "input: [3, 8, 8]\nparams: {width: }\nlayers: [{type: conv2d, out_channels: $width, kernel_size: 3}]\n"
ONE_VALUE = "input: [3, 1, 1]\nlayers: [{type: batch_norm2d}]\n"


def test_a_param_without_a_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match=r"give it one with width=\.\.\."):
        loads(NEEDS_WIDTH)
    path = tmp_path / "net.yaml"
    path.write_text(NEEDS_WIDTH)
    assert "give it one with --set width=..." in run(capsys, "analyze", str(path))[2]


def test_a_batch_that_does_not_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refusal = analyze(loads(ONE_VALUE).graph).refusal
    assert refusal is not None
    assert refusal.reason.endswith("use batch=2")
    path = tmp_path / "net.yaml"
    path.write_text(ONE_VALUE)
    assert "use --batch 2" in run(capsys, "memory", str(path), "--training")[2]


def test_the_command_line_leaves_python_s_spelling_behind(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "analyze", "resnet18", "--format", "json")
    assert argument("weights_check", "x.pt") == "weights_check=x.pt"
