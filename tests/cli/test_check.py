"""`archlab check`: exit status, what is said, and the forms for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import run

NET = """input: [3, 8, 8]
params: {width: 4}
variants:
  wide: {width: 16, expect: {params: <= 400}}
layers:
  - {type: conv2d, out_channels: $width, kernel_size: 3, padding: 1}
  - {type: conv2d, out_channels: 2, kernel_size: 3, padding: 1}
expect: {params: 186, macs: <= 20k}
"""
"""112 + 74 params; 64 x (108 + 72) MACs; a field of 5."""


@pytest.fixture
def net(tmp_path: Path) -> str:
    path = tmp_path / "net.yaml"
    path.write_text(NET)
    return str(path)


def test_what_holds(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "check", net, "--max-macs", "11520", "--min-receptive-field", "5")
    assert (status, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["net:", "ok"],
        ["params", "186", "=", "186"],
        ["macs", "11,520", "<=", "20k", "57.6%", "of", "it"],
        ["macs", "11,520", "<=", "11520", "100.0%", "of", "it"],
        ["receptive_field", "5", ">=", "5"],
    ]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--max-params=100", "params must be <= 100, but it is 186: 86 (86.0%) above the limit"),
        ("--max-macs=10k", "macs must be <= 10k, but it is 11,520: 1,520 (15.2%) above the limit"),
        (
            "--max-memory=1 KiB",
            "memory.inference_peak must be <= 1 KiB, but it is 2.977 KiB: 1.977 KiB (197.7%) above the limit",
        ),
        ("--max-training-memory=2kB", "memory.training_peak must be <= 2kB, but it is"),
        ("--min-receptive-field=6", "receptive_field must be >= 6, but it is 5: 1 (16.7%) below the limit"),
        ("--max-receptive-field=4", "receptive_field must be <= 4, but it is 5: 1 (25.0%) above the limit"),
        ("--limit=activations < 384", "activations must be < 384, but it is 384, which is the limit itself"),
        ("--limit=stride <= 1 and buffers > 0", "buffers must be > 0, but it is 0, which is the limit itself"),
    ],
)
def test_what_does_not(option: str, message: str, net: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "check", net, option)
    assert status == 1
    assert out.startswith(f"net: {message}")
    assert out.splitlines()[0].endswith("[limit]")


def test_the_heaviest_layers_are_named(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "check", net, "--max-macs", "1k")
    assert out.splitlines()[1:] == ["   60.0%  6,912  conv1, line 6", "   40.0%  4,608  conv2, line 7"]


def test_who_holds_memory_at_the_peak(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    """conv1's output of 4 x 64 floats, the input of 3 x 64, 186 params, conv2's output of 2 x 64: 3,048 bytes."""
    _, out, _ = run(capsys, "check", net, "--max-memory", "2 KiB")
    assert out.splitlines()[1:] == [
        "   33.6%  1.000 KiB  conv1, output, line 6",
        "   25.2%  768 B  input",
        "   24.4%  744 B  params",
    ]


def test_a_variant_has_its_own_expect(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    """448 + 290 params."""
    status, out, _ = run(capsys, "check", f"{net}@wide", net)
    assert status == 1
    first, *_, rest = out.partition("net: ok")
    assert "net.yaml:4:38: wide: params must be <= 400, but it is 738: 338 (84.5%) above the limit" in first
    assert "186" in rest


def test_exact_figures_are_those_of_the_network_as_written(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    for change in (["--set", "width=5"], ["--input", "3x9x9"], ["--batch", "1", "--dtype", "float16"]):
        status, out, err = run(capsys, "check", net, *change)
        assert status == 0
        assert "params" not in out
        assert "not compared: params" in err
    status, out, _ = run(capsys, "check", net, "--set", "width=4,9")
    assert status == 1
    assert "net (width=4): ok" in out
    assert "net (width=9): macs must be <= 20k, but it is 25,920" in out


def test_int8_and_a_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1,024 + 768 + 744 + 512 bytes of floats; a quarter of them; three times all but the 744 of params."""
    path = tmp_path / "bare.yaml"
    path.write_text(NET.rpartition("expect")[0])
    for change, most in ([], 3048), (["--dtype", "int8"], 762), (["--batch", "3"], 3 * (3048 - 744) + 744):
        assert run(capsys, "check", str(path), *change, f"--max-memory={most}B")[0] == 0
        assert run(capsys, "check", str(path), *change, f"--max-memory={most - 1}B")[0] == 1


def test_a_check_of_nothing_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bare.yaml"
    path.write_text(NET.rpartition("expect")[0])
    status, out, _ = run(capsys, "check", str(path))
    assert status == 1
    assert "there is nothing to check it for" in out
    path.write_text(NET.replace(", macs: <= 20k", ""))
    status, out, _ = run(capsys, "check", str(path), "--set", "width=5")
    assert status == 1
    assert "exact figures of its 'expect' are those of the network as written" in out


def test_targets_that_cannot_be_read_stand_beside_the_others(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "check", "nothing.yaml", net)
    assert (status, err) == (1, "")
    assert out.startswith("there is no file nothing.yaml")
    assert "net: ok" in out


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--max-memory=24", "'24' has no unit; write 24GiB, 24MiB or 24GB"),
        ("--max-macs=300m", "write 300M"),
        ("--min-receptive-field=224px", "write 224"),
        ("--limit=mac <= 3", "did you mean 'macs'?"),
        ("--limit=macs", "'macs' alone is no limit"),
    ],
)
def test_limits_that_are_none(option: str, message: str, net: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "check", net, option)
    assert (status, out) == (2, "")
    assert message in err


def test_json(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "check", net, "--max-macs=10k", "--max-receptive-field=4", "--format", "json")
    (target,) = json.loads(out)["targets"]
    assert (status, target["target"], target["network"]) == (1, net, "net")
    exact, upper, macs, field = target["limits"]
    assert (exact["relation"], exact["limit"], exact["value"], exact["state"]) == ("==", 186, 186, "holds")
    assert (upper["state"], upper["excess"], upper["heaviest"]) == ("holds", None, [])
    assert (macs["relation"], macs["limit"], macs["value"], macs["excess"]) == ("<=", 10_000, 11_520, 1_520)
    assert macs["excess_share"] == pytest.approx(0.152)
    assert [(part["name"], part["value"]) for part in macs["heaviest"]] == [("conv1", 6912), ("conv2", 4608)]
    assert (field["value"], field["state"], field["excess"]) == (5, "broken", 1)
    assert [problem["code"] for problem in target["problems"]] == ["limit", "limit"]


def test_annotations_and_code_scanning(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "check", f"{net}@wide", "--max-macs", "1k", "--format", "github")
    placed, loose = out.splitlines()
    assert placed.startswith(f"::error title=archlab limit,file={net},line=4,col=38,")
    assert "738: 338 (84.5%25) above the limit%0A" in placed
    assert loose.startswith("::error title=archlab limit::wide: macs must be <= 1k")
    _, out, _ = run(capsys, "check", f"{net}@wide", "--format", "sarif")
    (result,) = json.loads(out)["runs"][0]["results"]
    assert result["ruleId"] == "limit"
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 4
    assert "conv1, line 6" in result["message"]["text"]


@pytest.mark.parametrize("target", ["torchvision:resnet18", "checked_net:Net"])
def test_imported_models(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torchvision")
    (tmp_path / "checked_net.py").write_text("import torchvision\n\nNet = torchvision.models.resnet18\n")
    monkeypatch.syspath_prepend(tmp_path)
    check = ("check", target, "--input", "3x224x224")
    assert run(capsys, *check, "--limit", "params <= 11689512 and params >= 11689512")[0] == 0
    status, out, _ = run(capsys, *check, "--max-params", "11689511")
    assert status == 1
    assert "11,689,512: 1 (0.0%) above the limit" in out
    assert " 20.2%  2,359,296  layer4.0.conv2\n" in out


def test_an_onnx_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A convolution of 3 x 3 from 3 channels to 4: 108 params, 108 x 36 MACs."""
    onnx = pytest.importorskip("onnx")
    numpy = pytest.importorskip("numpy")
    weight = onnx.numpy_helper.from_array(numpy.zeros((4, 3, 3, 3), numpy.float32), "w")
    values = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("x", (1, 3, 8, 8)), ("y", (1, 4, 6, 6)))
    ]
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"])
    graph = onnx.helper.make_graph([node], "g", values[:1], values[1:], [weight])
    path = str(tmp_path / "net.onnx")
    onnx.save(onnx.helper.make_model(graph), path)
    assert run(capsys, "check", path, "--max-params", "108", "--max-macs", "3888")[0] == 0
    status, out, _ = run(capsys, "check", path, "--max-macs", "3.8k")
    assert status == 1
    assert "macs must be <= 3.8k, but it is 3,888: 88 (2.3%) above the limit" in out


def test_hundreds_of_wrong_figures_end_in_problems(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    figures = "".join(f"  figure{number}: 1\n" for number in range(400))
    path.write_text(f"input: [3, 8, 8]\nlayers:\n  - {{type: relu}}\nexpect:\n{figures}")
    status, out, err = run(capsys, "check", str(path))
    assert status == 1
    assert "figure0" in out + err
    assert "Traceback" not in out + err
