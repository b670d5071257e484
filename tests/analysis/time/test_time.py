"""`archlab time` and `archlab measure`: bounds against arithmetic by hand, devices, what is printed; never a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archlab.analysis.conditions import Conditions
from archlab.analysis.time.device import Device, Peak, device_names, load_device
from archlab.api.load import load, loads
from archlab.api.timing import rank_correlation, time_view
from archlab.diagnostics.problem import ConfigError
from archlab.report.units import duration
from archlab.torch.measure import measure
from tests import presets
from tests.command import run

ROUND = Device(name="round", memory_gb=1, bandwidth_gb_per_s=1, peak_tflops=Peak(float32=0.001, float16=0.002))
"""10^9 operations and 10^9 bytes per second."""


def test_bounds_by_hand() -> None:
    network = loads("""
        input: [4, 10, 10]
        layers:
          - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, bias: false}
          - {type: relu, inplace: true}
          - {type: dropout}
          - {type: flatten}
          - {type: linear, out_features: 10}
    """)
    conv, relu, dropout, flatten, linear = time_view(network.analyze(batch=2), ROUND).times
    assert conv.moved == 4 * (2 * (400 + 800) + 8 * 4 * 9)
    assert (conv.compute, conv.bound) == (2 * 2 * 800 * 36 / 1e9, "compute")
    assert conv.intensity == 2 * 2 * 800 * 36 / conv.moved
    assert (relu.seconds, relu.bound) == (4 * 2 * 1600 / 1e9, "memory")
    assert dropout.seconds == flatten.seconds == 0
    assert flatten.intensity is None
    assert linear.seconds == 4 * (2 * (800 + 10) + 8010) / 1e9
    half = time_view(network.analyze(batch=2, dtype="float16"), ROUND).times[0]
    assert half.seconds == conv.seconds / 2


def test_folded_rows_add_up() -> None:
    view = time_view(load("resnet18").analyze(), ROUND)
    for depth in (1, 2, None):
        rows = view.folded(depth)
        assert sum(row["seconds"] for row in rows) == pytest.approx(view.seconds)
        assert sum(row["flops"] for row in rows) == view.analysis.total.flops
    assert sum(seconds for _, seconds, _ in view.bounds()) == pytest.approx(view.seconds)


@pytest.mark.parametrize("name", device_names())
def test_every_figure_of_a_device_has_a_source(name: str) -> None:
    device = load_device(name)
    assert device.name == name
    told = device.model_dump(exclude_none=True, exclude={"name", "description", "sources"})
    assert set(device.sources) == set(told)
    peak = device.peak_tflops
    if peak is None:
        assert device.macs_per_cycle is not None
        assert device.clock_mhz is not None
        assert device.macs_per_cycle.int8 is not None
        assert device.operations_per_second("int8") == pytest.approx(
            2 * device.macs_per_cycle.int8 * device.clock_mhz * 1e6
        )
        return
    for dtype in ("float16", "bfloat16", "int8"):
        rate = getattr(peak, dtype)
        assert rate is None or rate >= peak.float32


def test_float32_convolutions_run_on_tensor_cores() -> None:
    assert load_device("a100").operations_per_second("float32") == 156e12
    with pytest.raises(ConfigError, match="the device t4 has no peak rate for bfloat16"):
        time_view(load("alexnet").analyze(dtype="bfloat16"), load_device("t4"))


WRONG = (
    ("memory_gb: 8", "a device needs 'bandwidth_gb_per_s'"),
    ("bandwidth_gb_per_s: 1\npeak_tflops: {float32: 1}", "needs 'memory_gb', or 'ram_kib'"),
    ("memory_gb: 8\nbandwidth_gb_per_s: 1", "needs 'peak_tflops', or 'macs_per_cycle' with 'clock_mhz'"),
    ("ram_kib: 8\nbandwidth_gb_per_s: 1\nmacs_per_cycle: {int8: 1}", "needs 'clock_mhz' too"),
    ("memory_gb: 8\nbandwidth_gb_per_s: fast\npeak_tflops: {float32: 1}", "'bandwidth_gb_per_s'"),
    ("memory_gb: 8\nbandwith_gb_per_s: 1\npeak_tflops: {float32: 1}", "did you mean 'bandwidth_gb_per_s'?"),
    ("memory_gb: 8\nbandwidth_gb_per_s: 1\npeak_tflops: {float32: -1}", "'peak_tflops'"),
    ("- 1", "a device is a mapping"),
    ("a: [", "device.yaml:1"),
)


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_a_wrong_device_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("device.yaml").write_text(text, encoding="utf-8")
    status, out, err = run(capsys, "time", "alexnet", "--device", "device.yaml")
    assert (status, out) == (1, "")
    assert message in err


def test_a_device_of_ones_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("memory_gb: 1\nbandwidth_gb_per_s: 1\npeak_tflops: {float32: 0.001}\n", encoding="utf-8")
    status, out, _ = run(capsys, "time", "alexnet", "--device", str(path), "--format", "json")
    result = json.loads(out)
    assert status == 0
    assert result["device"]["name"] == "mine"
    assert result["seconds"] == pytest.approx(time_view(load("alexnet").analyze(), ROUND).seconds)
    status, _, err = run(capsys, "time", "alexnet", "--device", "h10")
    assert status == 1
    assert "'h10' is no device of archlab's and no file; did you mean 'h100'?" in err


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "time", "resnet50", "--batch", "32", "--device", "a100")
    assert (status, err) == (0, "")
    assert "resnet50: batch 32, float32, a forward pass on NVIDIA A100 SXM4 80 GB" in out
    assert "by compute" in out
    status, out, _ = run(capsys, "time", "resnet50", "--device", "a100", "--format", "csv")
    assert out.splitlines()[0] == "layer,type,flops,bytes,intensity,seconds,bound"
    assert len(out.splitlines()) == 176


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.5, "2.500 s"), (0.0123, "12.30 ms"), (4e-6, "4.000 us"), (5e-9, "5.000 ns")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_ranks() -> None:
    network = loads(
        "input: [4, 8, 8]\nlayers: [{type: relu}, {type: conv2d, out_channels: 8, kernel_size: 3}, {type: tanh}]"
    )
    view = time_view(network.analyze(), ROUND)
    view.measured = {time.layer.node.path: time.seconds**2 for time in view.times}
    assert rank_correlation(view) == pytest.approx(1)
    view.measured = {time.layer.node.path: -time.seconds for time in view.times}
    assert rank_correlation(view) == pytest.approx(-1)
    view.measured = dict.fromkeys(view.measured, 1.0)
    assert rank_correlation(view) == 1.0


@pytest.mark.parametrize("outputs", ["", "outputs: {a: c1, b: c2}", "outputs: [c1, c2]"])
def test_measuring_times_every_layer(outputs: str) -> None:
    layers = [
        "{name: c1, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}",
        "{name: c2, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}",
        *([] if outputs else ["{name: c3, type: sigmoid}", "{type: add, with: [c1, c2]}"]),
    ]
    network = loads(f"input: [3, 16, 16]\nlayers: [{', '.join(layers)}]\n{outputs}")
    found = measure(network, Conditions(2), rounds=2)
    assert list(found.layers) == [node.path for node in network.graph.layers]
    assert all(seconds > 0 for seconds in found.layers.values())
    assert found.forward.low <= found.forward.median <= found.forward.high
    assert found.step is not None
    assert found.step.median > 0
    assert found.peak is None


def test_measuring_under_the_conditions_of_training() -> None:
    network = presets.shallow("resnet18", 32)
    conditions = network.analyze(batch=2, autocast="bfloat16", checkpoint=["layer*.*"], channels_last=True).conditions
    found = measure(network, conditions, rounds=1)
    assert list(found.layers) == [node.path for node in network.graph.layers]
    assert found.step is not None
    assert found.step.median > 0


def test_measure_prints_bounds_beside_times(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "measure", "squeezenet1_1", "--input", "3x64x64", "--rounds", "2")
    assert (status, err) == (0, "")
    for word in ("measured", "rank correlation", "training step with momentum", "x the bound"):
        assert word in out
    status, out, _ = run(capsys, "measure", "squeezenet1_1", "--input", "3x64x64", "--rounds", "2", "--format", "json")
    measured = json.loads(out)["measured"]
    assert measured["forward"]["low"] <= measured["forward"]["median"] <= measured["forward"]["high"]
    assert measured["predicted_inference_peak"] == load("squeezenet1_1", input=(3, 64, 64)).analyze().inference.peak
    assert all(row["measured"] > 0 for row in json.loads(out)["layers"])
    status, out, err = run(capsys, "measure", "alexnet", "--dtype", "int8")
    assert (status, out) == (1, "")
    assert "not in int8" in err


PERSON = ("mobilenet_v1_slim", "--input", "1x96x96", "--set", "width_mult=0.25", "--set", "num_classes=2")


def test_a_microcontroller_by_hand(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "board.yaml"
    path.write_text(
        "flash_kib: 300\nram_kib: 64\nclock_mhz: 10\nmacs_per_cycle: {int8: 2}\nbandwidth_gb_per_s: 1\n",
        encoding="utf-8",
    )
    device = load_device(str(path))
    assert device.operations_per_second("int8") == pytest.approx(4e7)
    with pytest.raises(ConfigError, match="the device board has no peak rate for float32"):
        device.operations_per_second("float32")
    status, out, _ = run(capsys, "time", *PERSON, "--deploy", "--dtype", "int8", "--device", str(path))
    assert status == 0
    assert "flash          278.0 KiB of 300.0 KiB, 92.7%: weights" in out
    assert "RAM            54.00 KiB of 64.00 KiB, 84.4%: TensorFlow Lite Micro's arena" in out
    assert run(capsys, "check", *PERSON, "--device", str(path))[0] == 0
    path.write_text(path.read_text(encoding="utf-8").replace("300", "100"), encoding="utf-8")
    status, out, _ = run(capsys, "check", *PERSON, "--device", str(path))
    assert status == 1
    assert "int8.flash must be <= 100 KiB, but it is 278.0 KiB" in out
    status, _, err = run(capsys, "check", *PERSON, "--device", "h100")
    assert status == 1
    assert "the device h100 tells no flash and no RAM of its own" in err


def test_no_bound_is_shown_where_no_device_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("table", "csv", "markdown", "json"):
        _, without, _ = run(capsys, "compare", "alexnet", "--format", form)
        _, asked, _ = run(capsys, "compare", "alexnet", "--format", form, "--device", "h100")
        assert not any(word in without.lower() for word in ("bound:", "h100", "lower_bound"))
        assert any(word in asked.lower() for word in ("h100", "lower_bound"))


def test_a_deployed_network_moves_what_it_reads_and_writes_once() -> None:
    text = """
        input: [4, 8, 8]
        layers:
          - {type: conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: same_tf, norm: batch_norm2d,
             activation: relu}
    """
    pad, conv, relu = time_view(loads(text).deploy().analyze(dtype="int8"), load_device("stm32f412")).times
    assert pad.moved == relu.moved == 0
    # the map as it is, without the zeros around it; weights, biases in int32, a scale and a zero point of both
    assert conv.moved == 4 * 8 * 8 + 8 * 4 * 4 + 8 * 4 * 9 + 8 * 4 + 2 * 8 * 12
    assert relu.compute == pytest.approx(8 * 4 * 4 / (2 * 2 * 100e6))
