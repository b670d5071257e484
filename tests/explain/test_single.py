"""`archlab explain TYPE option=value`: a layer without a config."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from archlab.layers import layer_types
from tests.chunks import check_each, in_chunks
from tests.command import run


def test_it_says_what_a_config_of_that_layer_says(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = tmp_path / "conv2d.yaml"
    layer = "{name: conv2d, type: conv2d, out_channels: 1, kernel_size: 3, stride: 2, padding: 1}"
    config.write_text(f"input: [1, 5, 5]\nlayers:\n  - {layer}\n")
    words = ["kernel_size=3", "stride=2", "padding=1", "--input", "1x5x5"]
    status, out, err = run(capsys, "explain", "conv2d", *words)
    assert (status, err) == (0, "archlab: taken, since not given: out_channels=1\n")
    assert out.startswith("conv2d 3x3 /2 padding=1: 1x5x5 to 1x3x3\n")
    assert run(capsys, "explain", str(config), "conv2d")[1] == out


@pytest.mark.parametrize(
    ("words", "kernel"),
    [
        (["kernel_size=3x5"], [3, 5]),
        (["kernel_size=3,5"], [3, 5]),
        (["kernel_size=[3, 5]"], [3, 5]),
        (["kernel_size=$(1 + 2)"], [3, 3]),
    ],
)
def test_how_values_are_written(capsys: pytest.CaptureFixture[str], words: list[str], kernel: list[int]) -> None:
    _, out, _ = run(capsys, "explain", "conv2d", *words, "--format", "json")
    assert json.loads(out)["options"]["kernel_size"] == kernel


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["conv2d", "kernal_size=3"], 1, "did you mean 'kernel_size'?"),
        (["conv2d", "kernel_size=0"], 1, "kernel_size"),
        (["conv2d", "kernel_size=9"], 1, "covers 9 positions"),
        (["conv2d", "kernel_size=[3"], 1, "yaml-syntax"),
        (["conv2d", "kernel_size=3", "--input", "5"], 1, "conv2d needs a map"),
        (["conv2d"], 1, "kernel_size"),
        (["conv2", "kernel_size=3"], 2, "did you mean 'conv2d'?"),
        (["conv2"], 1, "did you mean 'conv2d'?"),
        (["resnet5"], 1, "did you mean 'resnet50'?"),
        (["MaxPool2d", "kernel_size=2"], 2, "did you mean 'max_pool2d'?"),
        (["conv2d", "3"], 2, "such as kernel_size=3, not '3'"),
        (["conv2d", "name=x"], 2, "leave 'name=x' out"),
        (["conv2d", "kernel_size=3", "--set", "x=1"], 2, "--set is for networks"),
        (["conv2d", "kernel_size=3", "--counting"], 2, "--counting is about a network"),
        (["conv2d", "kernel_size=3\nlayers: []"], 2, "such as kernel_size=3"),
        (["resnet18", "layer1", "layer2"], 2, "one layer or block at a time"),
        (["resnet18", "layer9"], 1, "did you mean 'layer"),
        (["resnet18", "kernel_size=3"], 2, "no layer type 'resnet18'"),
    ],
)
def test_mistakes(capsys: pytest.CaptureFixture[str], words: list[str], status: int, message: str) -> None:
    got, out, err = run(capsys, "explain", *words)
    assert (got, out) == (status, "")
    assert message in err


@pytest.mark.parametrize("types", in_chunks(layer_types(), 40))
def test_every_type_is_explained_or_says_what_it_needs(capsys: pytest.CaptureFixture[str], types: list[str]) -> None:
    check_each(types, partial(check_is_explained, capsys))


def check_is_explained(capsys: pytest.CaptureFixture[str], layer_type: str) -> None:
    """No class of archlab's is quoted to who learns, no traceback; a problem names the layer."""
    status, out, err = run(capsys, "explain", layer_type)
    if status:
        assert layer_type.split("_", maxsplit=1)[0] in err
        return
    assert "FLOPs" in out
    assert not any(word in out for word in ("self.", "``", "torch.nn", "Runtime", "(erf)", "The rule for FLOPs"))
