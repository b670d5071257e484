"""What the command line says to words that are nearly right: what to write instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archlab.analysis.time.device import device_names, load_device
from archlab.cli.main import build_parser
from archlab.cli.parser import size_in_bytes
from tests.command import run


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["analyse", "resnet18"], "did you mean 'analyze'?"),
        (["resnet50"], "did you mean 'archlab analyze resnet50'?"),
        (["my.yaml"], "did you mean 'archlab analyze my.yaml'?"),
        (["analyze", "resnet18", "--bacth", "3"], "did you mean '--batch'?"),
        (["compare", "resnet18", "--optimiser=adam"], "did you mean '--optimizer'?"),
        (["analyze", "resnet18", "--dtype", "fp16"], "write float16"),
        (["analyze", "resnet18", "--dtype", "half"], "write float16"),
        (["analyze", "resnet18", "--dtype", "BF16"], "write bfloat16"),
        (["analyze", "resnet18", "--dtype", "float61"], "did you mean 'float16'?"),
        (["memory", "resnet18", "--autocast", "fp16"], "write float16"),
        (["memory", "resnet18", "--optimizer", "Adam"], "did you mean 'adam'?"),
        (["memory", "resnet18", "--fit", "24"], "write 24GiB, 24MiB or 24GB"),
        (["memory", "resnet18", "--fit", "24gib"], "write 24GiB"),
        (["memory", "resnet18", "--fit", "24g"], "write 24GB or 24GiB"),
        (["analyze", "resnet18", "--batch", "1e3"], "write 1000"),
        (["analyze", "resnet18", "--batch", "8.0"], "write 8"),
        (["analyze", "resnet18", "--batch", "-1"], "at least 1, not '-1'"),
        (["analyze", "resnet18", "--batch", "0"], "at least 1, not '0'"),
    ],
)
def test_usage_names_the_word_that_was_meant(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert said in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--input", "224"], "--input 3x224x224"),
        (["--input", "200x300"], "--input 3x200x300"),
        (["--input", "224x200x3"], "has its channels last; write channels, height, width: --input 3x224x200"),
        (["--input", "1x3x64x32"], "--input 3x64x32"),
        (["--input", "8x3x64x32"], "--input 3x64x32 --batch 8"),
        (["--input", "8x64x32x3"], "--input 3x64x32 --batch 8"),
        (["--input", "3,64,32"], "--input 3x64x32"),
        (["--input", "[3, 64, 32]"], "--input 3x64x32"),
        (["--input", "axb"], "such as --input 3x224x224"),
    ],
)
def test_sizes_of_an_input_in_another_way(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "analyze", "resnet18", *arguments)
    assert (status, out) == (1, "")
    assert said in err
    asked = re.search(r"(--input \S+(?: --batch \d+)?)  \[", err)
    if asked is not None:
        assert run(capsys, "analyze", "resnet18", *asked[1].split())[0] == 0


def test_inputs_of_other_channels_are_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.yaml").write_text("input: [3, 8, 8]\nlayers: [{type: conv2d, out_channels: 2, kernel_size: 1}]\n")
    for shape in ("1x9x9", "3x9x3", "4x4x4"):
        assert run(capsys, "analyze", str(tmp_path / "net.yaml"), "--input", shape)[0] == 0
    (tmp_path / "flat.yaml").write_text("input: [48]\nlayers: [{type: linear, out_features: 2}]\n")
    assert run(capsys, "analyze", str(tmp_path / "flat.yaml"), "--input", "64")[0] == 0


def test_devices_by_any_case_and_none_as_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert load_device("A100").name == load_device("a100").name
    for name in ("cortex-m7", "nothing"):
        _, _, err = run(capsys, "time", "resnet18", "--device", name)
        assert all(known in err for known in device_names())
        assert "no file;" in err
    assert "did you mean 'rtx4090'?" in run(capsys, "time", "resnet18", "--device", "RTX-4090")[2]


def test_a_preset_asked_for_as_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for target in ("resnet50.yaml", "configs/resnet50.yaml"):
        assert "the preset is called resnet50 alone" in run(capsys, "analyze", target)[2]
    assert "preset" not in run(capsys, "analyze", "other.yaml")[2]


def test_every_unit_is_read() -> None:
    assert [size_in_bytes(text) for text in ("1B", "2kB", "1.5GiB", "16 GB")] == [1, 2000, 3 * 2**29, 16 * 10**9]


def test_help_still_works(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        build_parser().parse_args(["analyze", "--help"])
    assert stop.value.code == 0
    assert "--batch" in capsys.readouterr().out
