"""`archlab memory`: what is printed adds up, what fits fits, and the picture shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archlab.analysis.conditions import Conditions
from archlab.analysis.memory.fit import Fit, largest_batch
from archlab.api.load import load, loads
from archlab.api.memory import memory_view
from archlab.cli.main import main
from archlab.report.plot.style import style
from archlab.report.plot.timeline import draw
from archlab.torch.verify_memory import MemoryVerification, Peak, verify_memory
from tests.command import run
from tests.presets import shallow


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    status, out, err = run(capsys, "memory", *arguments, "--format", "json")
    assert (status, err) == (0, "")
    result = json.loads(out)
    assert isinstance(result, dict)
    return result


@pytest.mark.parametrize("training", [[], ["--training", "--optimizer", "adam"]])
def test_parts_and_holders_add_up_to_the_peak(capsys: pytest.CaptureFixture[str], training: list[str]) -> None:
    result = as_json(capsys, "densenet121", "--batch", "4", *training)
    assert sum(result["parts"].values()) == result["peak"]
    fixed = sum(result["parts"].get(part, 0) for part in ("params", "buffers", "optimizer state"))
    assert sum(holder["bytes"] for holder in result["holders"]) == result["peak"] - fixed
    assert max(layer["peak"] for layer in result["layers"]) == result["peak"]


def test_the_peaks_are_those_of_analyze(capsys: pytest.CaptureFixture[str]) -> None:
    memory = load("unet").analyze(batch=2, optimizer="sgd").to_dict()["total"]["memory"]
    assert as_json(capsys, "unet", "--batch", "2")["peak"] == memory["inference_peak"]
    assert (
        as_json(capsys, "unet", "--batch", "2", "--training", "--optimizer", "sgd")["peak"] == memory["training_peak"]
    )


@pytest.mark.parametrize("name", ["resnet18", "unet_bilinear", "googlenet_aux", "shufflenet_v2_x0_5"])
def test_levels_stack_up_to_each_moments_peak(name: str) -> None:
    analysis = load(name).analyze(batch=2)
    for timeline in (analysis.inference, analysis.training):
        assert timeline is not None
        stacked = [timeline.base + sum(kinds) for kinds in zip(*timeline.levels().values(), strict=True)]
        assert stacked == [moment.peak for moment in timeline.moments]


def test_who_holds_what() -> None:
    network = loads("""
        input: [4, 32, 32]
        layers:
          - {name: stem, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {name: skip, type: batch_norm2d}
          - {type: sigmoid}
          - {name: last, type: add, with: [skip]}
    """)
    holders = memory_view(network.analyze()).holders()
    assert [(row["layer"], row["held for"]) for row in holders] == [
        ("skip", "last"),
        ("sigmoid", "last"),
        ("last", "the result"),
        ("input", "whoever calls the model"),
    ]
    kept = memory_view(network.analyze(), training=True).holders()
    reasons = {(row["layer"], row["what"]): row["held for"] for row in kept}
    assert reasons[("stem", "output")] == "the backward pass of skip"
    assert reasons[("sigmoid", "output")] == "the backward pass of sigmoid"
    assert reasons[("last", "output")] == "the result"


@pytest.mark.parametrize("run", ["inference", "training"])
def test_the_largest_batch_fits_and_the_next_does_not(run: str) -> None:
    network = load("mobilenet_v2")
    limit = 2**30
    fit = memory_view(network.analyze(), limit=limit).fits[run]

    def peak(batch: int) -> int:
        memory = network.analyze(batch=batch).to_dict()["total"]["memory"]
        return int(memory[f"{run}_peak"])

    assert fit.peak == peak(fit.batch) <= limit < peak(fit.batch + 1)


def test_the_search_ends() -> None:
    assert largest_batch(lambda _: 1, 10).batch == 1 << 24
    assert largest_batch(lambda batch: 7 * batch, 6) == Fit(0, 7)
    assert all(largest_batch(lambda batch: 3 * batch, limit).batch == limit // 3 for limit in range(3, 60))


def test_the_table_says_what_fits(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "memory", "alexnet", "--training", "--fit", "1GiB")
    assert status == 0
    assert "fits, training" in out
    assert "in 1.000 GiB" in out
    _, out, _ = run(capsys, "memory", "alexnet", "--fit", "100MB")
    assert "nothing fits in 95.37 MiB: one sample needs 234.9 MiB" in out


@pytest.mark.parametrize("size", ["3x", "GiB", "-1GiB", "1.2.3MB", "1e9", "9999999999999999B"])
def test_sizes_that_are_none(capsys: pytest.CaptureFixture[str], size: str) -> None:
    status, out, err = run(capsys, "memory", "alexnet", f"--fit={size}")
    assert (status, out) == (2, "")
    assert f"must be a size such as 24GiB, 512MiB or 16GB, not '{size}'" in err


def test_int8_is_not_trained(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "memory", "alexnet", "--training", "--dtype", "int8")
    assert (status, out) == (1, "")
    assert "int8 cannot be trained" in err
    assert load("alexnet").analyze(dtype="int8").to_dict()["total"]["memory"]["training_peak"] is None


def test_half_precision_halves_all_but_what_has_a_dtype_of_its_own() -> None:
    whole, half = (load("vgg11").analyze(dtype=dtype).training for dtype in ("float32", "bfloat16"))
    assert whole is not None
    assert half is not None
    assert whole.peak / 2 < half.peak < whole.peak * 0.51


def test_checkpoints_trade_memory_for_work(capsys: pytest.CaptureFixture[str]) -> None:
    command = ("memory", "resnet18", "--batch", "8", "--checkpoint", "layer*.*", "--depth", "all", "--format", "json")
    status, out, _ = run(capsys, *command)
    assert status == 0
    found = json.loads(out)
    network = load("resnet18")
    plain = network.analyze(batch=8)
    assert plain.training is not None
    assert found["run"] == "training"
    assert found["peak"] == plain.training.peak - found["checkpoints"]["saved"]
    assert found["checkpoints"]["saved"] > 0
    assert found["checkpoints"]["blocks"] == [f"layer{stage}.{unit}" for stage in range(1, 5) for unit in range(2)]
    # all MACs of the blocks: in each the last layer that keeps anything is a ReLU behind its last convolution
    inside = sum(layer.macs for layer in plain.layers if layer.node.path.startswith("layer"))
    assert found["checkpoints"]["recomputed_macs"] == inside
    again = [row["layer"] for row in found["layers"] if row["phase"] == "recompute"]
    assert again[:3] == ["layer4.1.conv1", "layer4.1.bn1", "layer4.1.relu1"]
    assert len(again) == sum(layer.node.path.startswith("layer") for layer in plain.layers)


def test_the_table_says_what_checkpoints_do(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "memory", "resnet18", "--checkpoint", "layer1", "--checkpoint", "layer2.*")
    assert status == 0
    assert "3 blocks checkpointed" in out
    assert "recompute" not in out.split("peak  ")[0]  # folded into the backward pass
    assert "MACs again" in out
    status, out, _ = run(capsys, "memory", "alexnet", "--checkpoint", "features")
    assert "checkpoints" in out
    assert "save nothing at the peak, and run" in out  # the peak is in the classifier
    status, out, err = run(capsys, "memory", "resnet18", "--checkpoint", "layer1.conv")
    assert (status, out) == (1, "")
    assert "resnet18 has no block 'layer1.conv'" in err


def test_a_segment_that_keeps_nothing_is_left_alone() -> None:
    network = loads("""
        input: [4, 8, 8]
        blocks: {idle: {layers: [{type: identity}, {type: avg_pool2d, kernel_size: 1}]}}
        layers: [{name: idle, use: idle}, {type: conv2d, out_channels: 4, kernel_size: 1}]
    """)
    plain, checkpointed = network.analyze(), network.analyze(checkpoint=["idle"])
    assert plain.training is not None
    assert checkpointed.training is not None
    assert checkpointed.training.peak == plain.training.peak
    assert checkpointed.checkpointing == (0, 0)


def test_autocast(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "memory", "resnet18", "--autocast", "bfloat16", "--format", "json")
    assert status == 0
    found = json.loads(out)
    assert (found["run"], found["autocast"]) == ("training", "bfloat16")
    assert found["parts"]["copies"] > 0
    assert "Under autocast" not in run(capsys, "memory", "resnet18", "--autocast", "bfloat16")[1]
    told = run(capsys, "memory", "deformable_resnet50_v1", "--autocast", "bfloat16")[1]
    assert "Under autocast the memory of deform_conv2d_op follows CUDA's lists and has not been counted." in " ".join(
        told.split()
    )

    status, out, err = run(capsys, "memory", "resnet18", "--autocast", "bfloat16", "--dtype", "float16")
    assert (status, out) == (1, "")
    assert "--autocast lowers the precision of float32, not of float16" in err
    with pytest.raises(ValueError, match="autocast must be one of"):
        load("resnet18").analyze(autocast="int8")
    with pytest.raises(ValueError, match="lowers the precision of float32"):
        load("resnet18").analyze(autocast="bfloat16", dtype="float16")


def test_conditions_are_told_in_every_report(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--autocast", "float16", "--checkpoint", "layer4", "--channels-last")
    _, out, _ = run(capsys, "analyze", "resnet18", *options)
    assert "a step with momentum, autocast to float16, 1 block checkpointed, channels_last" in " ".join(out.split())
    _, out, _ = run(capsys, "analyze", "resnet18", *options, "--format", "json")
    memory = json.loads(out)["total"]["memory"]
    assert (memory["autocast"], memory["channels_last"], memory["checkpoints"]) == ("float16", True, ["layer4"])
    assert memory["recomputed_macs"] > 0
    status = main(["verify", "resnet18", "--memory", "--device", "meta", "--checkpoint", "layer*", "--channels-last"])
    assert status == 0
    assert "memory ok at batch 1, 4 blocks checkpointed, channels_last" in capsys.readouterr().out


def test_a_flattened_map_with_its_channels_behind_is_copied() -> None:
    network = loads("input: [3, 8, 8]\nlayers: [{type: conv2d, out_channels: 4, kernel_size: 1}, {type: flatten}]")
    kinds = {row["layer"]: row["what"] for row in memory_view(network.analyze(channels_last=True)).holders()}
    assert kinds["flatten"] == "output"
    assert "flatten" not in {row["layer"] for row in memory_view(network.analyze()).holders()}


def test_the_picture(tmp_path: Path) -> None:
    view = memory_view(load("resnet18").analyze(), training=True)
    with style():
        axes = draw(view).axes[0]
        assert len(axes.patches) == 7
        assert [tick.get_text() for tick in axes.get_xticklabels()].count("layer3") == 2
    for name in ("a.png", "a.svg", "b.svg"):
        assert main(["memory", "resnet18", "--training", "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_verify_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "squeezenet1_1", "--memory", "--batch", "2", "--device", "meta"]) == 0
    out = capsys.readouterr().out
    assert "memory ok at batch 2" in out
    assert "training with adamw" in out
    found = verify_memory(shallow("mobilenet_v2"), Conditions(2))
    assert found.ok
    assert "training with sgd" in found.render()


def test_a_wrong_prediction_is_a_difference() -> None:
    found = MemoryVerification("x", "batch 1", [Peak("inference", 101, 100, "aten.add", 0)])
    assert not found.ok
    assert (
        found.render()
        == "x: memory differs at batch 1\n  inference: predicted 101 bytes, counted 100, +1.000% (aten.add)"
    )


@pytest.mark.parametrize(
    ("options", "is_told"), [("relative_position: true", True), ("attn_drop: 0.1", True), ("fused: false", False)]
)
def test_attention_in_half_that_a_cpu_computes_in_float32_is_told(options: str, is_told: bool) -> None:  # noqa: FBT001
    """Told, and too small by what is said; elsewhere to the byte."""
    attention = f"{{type: self_attention, num_heads: 2, {options}}}"
    network = loads(f"input: [16, 8, 8]\nlayers:\n  - {{type: channels_last}}\n  - {attention}\n")
    told = memory_view(network.analyze(dtype="bfloat16"), training=True).notes
    assert any("In bfloat16 the memory of" in note for note in told) is is_told
    peak = verify_memory(network, Conditions(2, dtype="bfloat16")).peaks[1]
    assert (0.5 * peak.counted <= peak.predicted < peak.counted) is is_told


def test_columns_of_both_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """A column is of the table that has it; one without any of them stays as it is; holders are of all, not of ten."""
    out = run(capsys, "memory", "alexnet", "--training", "--columns", "peak,what", "--sort=layer", "--units", "KiB")[1]
    heads = [line.split() for line in out.splitlines() if line.strip().startswith(("phase", "at the peak"))]
    assert heads == [["phase", "layers", "peak"], ["at", "the", "peak", "what"]]
    view = load("alexnet").memory(training=True)
    first = min(view.holders(), key=lambda row: row["layer"])
    row = out.splitlines()[[line.strip()[:11] for line in out.splitlines()].index("at the peak") + 2]
    assert row.split()[0] == f"{first['bytes'] / 1024:,.1f}"
    status, _, err = run(capsys, "memory", "alexnet", "--columns", "wat")
    assert status == 1
    assert "there is no column 'wat'; did you mean 'what'?" in err
