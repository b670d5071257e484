"""Every command in every form, on a network of one axis and one of three: it works, and says the same numbers."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import archlab
from archlab.analysis.conditions import Conditions
from archlab.cli.commands import COMMANDS, command_module
from archlab.layers.shape import AXIS_NAMES
from archlab.torch.build import build
from archlab.torch.verify_field import verify_receptive_field
from archlab.torch.verify_memory import verify_memory
from tests.command import run
from tests.torch.test_source import assert_same_model

FOLDER = Path(__file__).parent
NAMES = {"one": 1, "three": 3}
"""Config to number of axes."""
LAYERS = [layer.path for name in NAMES for layer in archlab.load(str(FOLDER / f"{name}.yaml")).graph.layers]
WITHOUT_NETWORK = (
    *("sweep", "fit", "new", "presets", "schema", "fmt", "import", "completion"),
    *("watch", "lsp", "mcp", "studio"),  # go on until they are ended
)
MORE: dict[str, list[list[str]]] = {
    "analyze": [["--batch", "2", "--optimizer", "adam", "--channels-last"], ["--depth", "1"]],
    "memory": [["--training", "--batch", "2"]],
    "build": [["-o", "net.py"], ["-o", "net.pt"]],
    "receptive-field": [["--effective", "--samples", "1"], ["--projective"], ["--layer", "wide"]],
    "explain": [["--counting"]],
    "verify": [
        ["--receptive-field", "--memory", "--batch", "2"],
        ["--memory", "--batch", "2", "--channels-last"],
        ["--memory", "--batch", "2", "--autocast", "bfloat16"],
    ],
}
"""Options that lead elsewhere."""


def calls(command: str) -> Iterator[list[str]]:
    """A command with each of its forms, behind the target."""
    forms = command_module(command).FORMS
    yield []
    for named in forms.named:
        yield ["--format", named]
    for ending in forms.endings:
        yield ["-o", f"out{ending}"]
    for options in MORE.get(command, []):
        yield options
        if "-o" not in options and ".png" in forms.endings and command == "receptive-field":
            yield [*options, "-o", "out.png"]


def marks(command: str, options: list[str], name: str = "") -> list[pytest.MarkDecorator]:
    """A figure is one whatever file it is written to: each is drawn as SVG, those of one axis as PDF and PNG too."""
    again = [["-o", "out.pdf"], ["-o", "out.png"]] if name != "one" else []
    if command == "receptive-field":
        again.append(["-o", "out.png"])  # which further options write too, and `tests/report/plot`
    return [pytest.mark.whole] if command in ("memory", "receptive-field") and options in again else []


def draws(options: list[str]) -> bool:
    """Whether `explain` shows a single layer in that form, which is to be named."""
    return bool(options) and options[-1].removeprefix("out.") in ("svg", "html")


CALLS = [
    pytest.param(name, command, options, id=" ".join([name, command, *options]), marks=marks(command, options, name))
    for name in NAMES
    for command in COMMANDS
    if command not in (*WITHOUT_NETWORK, "measure")
    for options in calls(command)
    if not (command == "build" and not options)
    if not (command == "explain" and NAMES[name] == 3 and draws(options))  # maps of three axes are not drawn
]


@pytest.mark.usefixtures("coarse")
@pytest.mark.parametrize(("name", "command", "options"), CALLS)
def test_it_works(
    name: str,
    command: str,
    options: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    more = ["resnet18"] if command in ("compare", "diff") else []
    more += ["--max-macs", "1G"] if command == "check" else []
    more += ["wide"] if command == "explain" and draws(options) else []
    status, out, err = run(capsys, command, str(FOLDER / f"{name}.yaml"), *more, *options)
    assert (status, err) == (0, "")
    if "-o" in options:
        assert (tmp_path / options[-1]).stat().st_size > 0
    else:
        assert out or command in ("fmt", "validate", "check")
    places = command == "lint" and "json" in options  # they have lines and columns of a text
    if name == "one" and command == "explain" and draws(options):  # matrices have rows and columns
        text = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", out, flags=re.DOTALL)
        assert not re.search(r"\b(height|width|image)\b", text)
    elif name == "one" and command not in ("compare", "diff") and not places:
        assert not re.search(r"\b(height|width|rows?|columns?)\b", out)


@pytest.mark.parametrize("path", list(dict.fromkeys(LAYERS)))
@pytest.mark.parametrize("name", NAMES)
def test_each_layer_is_explained(name: str, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(FOLDER / f"{name}.yaml")
    analysis = archlab.load(config).analyze()
    found = [layer for layer in analysis.layers if layer.node.path == path]
    if not found:
        pytest.skip("a layer of the other one")
    status, out, err = run(capsys, "explain", config, path, "--format", "json")
    assert (status, err) == (0, "")
    steps = {step["name"]: step["result"] for section in json.loads(out)["sections"] for step in section["steps"]}
    assert steps.get("MACs", 0) == found[0].macs
    assert steps["FLOPs"] == found[0].flops
    assert sum(steps.get(word, 0) for word in ("weight", "bias")) == found[0].params
    if NAMES[name] == 1:
        text = run(capsys, "explain", config, path)[1]
        assert not re.search(r"\b(height|width|image)\b", text)


@pytest.mark.parametrize("name", NAMES)
def test_flat_rows_name_the_axes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(FOLDER / f"{name}.yaml")
    rows = list(csv.DictReader(io.StringIO(run(capsys, "analyze", config, "--format", "csv")[1])))
    found: dict[str, Any] = json.loads(run(capsys, "analyze", config, "--format", "json")[1])
    letters = [word[0] for word in AXIS_NAMES[NAMES[name]]]
    assert [key[-2:] for key in rows[0] if key.startswith("receptive_field_size")] == [f"_{one}" for one in letters]
    for row, layer in zip(rows, found["layers"], strict=True):
        for key in ("size", "start", "coverage"):
            values = layer["receptive_field"][key]
            assert len(values) == NAMES[name]
            flat = [row[f"receptive_field_{key}_{letter}"] for letter in letters]
            assert flat == ["" if value is None else str(value) for value in values]


def test_networks_of_different_axes_share_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    targets = [str(FOLDER / f"{name}.yaml") for name in NAMES]
    rows = list(csv.DictReader(io.StringIO(run(capsys, "compare", *targets, "resnet18", "--format", "csv")[1])))
    sizes = [[row[f"receptive_field_size_{letter}"] for letter in "ldhw"] for row in rows]
    assert sizes == [["85", "", "", ""], ["", "15", "43", "43"], ["", "", "435", "435"]]


@pytest.mark.parametrize("name", NAMES)
def test_the_source_and_the_exported_program_are_the_model(name: str, tmp_path: Path) -> None:
    network = archlab.load(str(FOLDER / f"{name}.yaml"))
    assert_same_model(network.graph, tmp_path)
    model = build(network).eval()
    path = tmp_path / "net.pt2"
    assert run_build(name, path) == 0
    torch.manual_seed(0)
    sample = torch.randn(3, *network.graph.input_shape)
    program = torch.export.load(str(path)).module()
    program.load_state_dict(model.state_dict())
    torch.testing.assert_close(program(sample), model(sample))


def run_build(name: str, path: Path) -> int:
    """Write a model to a file."""
    from archlab.cli.main import main

    return main(["build", str(FOLDER / f"{name}.yaml"), "-o", str(path)])


@pytest.mark.usefixtures("translations")
@pytest.mark.parametrize("name", NAMES)
def test_onnxruntime_gives_the_same(name: str, tmp_path: Path) -> None:
    onnx = pytest.importorskip("tests.torch.test_onnx")
    network = archlab.load(str(FOLDER / f"{name}.yaml"))
    assert max(onnx.differences(network, tmp_path / "net.onnx")) < 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_initial_weights(name: str) -> None:
    """`kaiming_normal` with `fan_out` counts all taps of the kernel, along each axis."""
    network = archlab.load(str(FOLDER / f"{name}.yaml"), width=512)
    torch.manual_seed(3)
    conv = build(network).get_submodule("stem.conv")
    assert isinstance(conv, nn.Conv1d | nn.Conv3d)
    fan = 512 * conv.weight[0, 0].numel()
    assert float(conv.weight.detach().std()) == pytest.approx((2 / fan) ** 0.5, rel=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_measured_fields_lie_in_the_theoretical_ones(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(FOLDER / f"{name}.yaml")
    out = run(capsys, "receptive-field", config, "--layer", "unit1.add", "--effective", "--samples", "2",
              "--format", "json")[1]  # fmt: skip
    found = json.loads(out)
    extents = archlab.load(config).graph.input_shape[1:]
    shares = torch.tensor(found["measured"]["map"])
    assert shares.shape == extents
    assert float(shares.sum()) == pytest.approx(1)
    for axis, (first, last) in enumerate(found["span"]):
        others = [other for other in range(len(extents)) if other != axis]
        along = shares.sum(others) if others else shares
        assert float(along[max(first, 0) : last + 1].sum()) == pytest.approx(1)


@pytest.mark.parametrize(("name", "place"), [("one", "7"), ("three", "1,2,3")])
def test_any_unit(name: str, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(FOLDER / f"{name}.yaml")
    status, out, _ = run(capsys, "receptive-field", config, "--layer", "pool", "--unit", place)
    assert (status, f"unit {place} of pool" in out) == (0, True)
    for wrong in ("1,2", "99" + place[1:]):
        status, out, err = run(capsys, "receptive-field", config, "--layer", "pool", "--unit", wrong)
        assert (status, out) == (1, "")
        assert "the output of pool has" in err
    assert verify_receptive_field(archlab.load(config)).ok


@pytest.mark.parametrize(
    ("name", "message"),
    [("one", "the input 2x200 has length"), ("three", "the input 3x9x24x32 has depth, height and width")],
)
def test_images_are_for_two_axes(name: str, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = str(FOLDER / f"{name}.yaml")
    status, out, err = run(capsys, "receptive-field", config, "--effective", "--images", str(tmp_path))
    assert (status, out) == (1, "")
    assert message in err


@pytest.mark.parametrize(("name", "size"), [("one", "2x333"), ("three", "3x8x16x48")])
def test_another_input(name: str, size: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(FOLDER / f"{name}.yaml")
    status, out, _ = run(capsys, "analyze", config, "--input", size)
    assert (status, f"input 1x{size}" in out) == (0, True)
    status, _, err = run(capsys, "analyze", config, "--input", size.rpartition("x")[0])
    assert (status, "write channels, " in err) == (1, True)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_measured(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "measure", str(FOLDER / f"{name}.yaml"), "--rounds", "1")
    assert (status, "Traceback" in err) == (0, False)
    assert "stem" in out


def test_what_a_cpu_does_not_run_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    config = str(FOLDER / "three.yaml")
    status, out, err = run(capsys, "measure", config, "--dtype", "bfloat16", "--rounds", "1")
    assert (status, out) == (1, "")
    assert "PyTorch does not run it there: " in err
    status, out, err = run(capsys, "verify", config, "--memory", "--dtype", "bfloat16", "--batch", "2")
    assert (status, err) == (0, "")
    assert "since a CPU has no average pooling of three axes in bfloat16" in out
    status, out, err = run(capsys, "verify", config, "--memory", "--autocast", "bfloat16", "--batch", "2")
    assert (status, err) == (0, "")
    assert "no training step counted: a CPU has no avg_pool3d in bfloat16" in out


def test_autocast_of_three_axes(tmp_path: Path) -> None:
    """With a pool that CPUs have in half precision too."""
    config = tmp_path / "net.yaml"
    config.write_text((FOLDER / "three.yaml").read_text().replace("avg_pool3d, kernel", "max_pool3d, kernel"))
    found = verify_memory(archlab.load(str(config)), Conditions(batch=2, autocast="bfloat16"))
    assert len(found.peaks) == 5
    assert all(peak.predicted == peak.counted for peak in found.peaks)
