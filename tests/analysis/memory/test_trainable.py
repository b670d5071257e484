"""Training steps that PyTorch refuses: predicted exactly where it does, and told wherever a peak would be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from archlab.api.load import load, loads
from archlab.api.memory import memory_view
from archlab.api.network import Network
from archlab.cli.main import main
from archlab.cli.spelling import OptionSpelling
from archlab.diagnostics.spelling import spelled
from archlab.torch.build import build
from tests.command import run

ONE_VALUE = """
name: one_value
input: [3, 1, 1]
layers: [{type: conv2d, out_channels: 4, kernel_size: 1}, {name: n, type: batch_norm2d}]
"""
"""Point 2 of the faults found: one value per channel at batch 1."""
NO_PARAMS = "name: idle\ninput: [8, 16, 16]\nlayers: [{type: upsample, size: 32}]\n"

CONV = "{type: conv2d, out_channels: 4, kernel_size: 1}"
CASES = {
    "one value per channel": "{type: adaptive_avg_pool2d, output_size: 1}, {type: batch_norm2d}",
    "one value per channel, without running statistics": (
        "{type: adaptive_avg_pool2d, output_size: 1}, {type: batch_norm2d, track_running_stats: false}"
    ),
    "one column": "{type: adaptive_avg_pool2d, output_size: [1, 2]}, {type: batch_norm2d}",
    "no eps": "{type: batch_norm2d, eps: 0}",
    "one position": ("{type: adaptive_avg_pool2d, output_size: 1}, {type: instance_norm2d, track_running_stats: true}"),
    "two positions in a column": "{type: adaptive_avg_pool2d, output_size: [2, 1]}, {type: instance_norm2d}",
    "two positions in a row": "{type: adaptive_avg_pool2d, output_size: [1, 2]}, {type: instance_norm2d}",
    "instance": "{type: instance_norm2d, eps: 0}",
    "group": "{type: adaptive_avg_pool2d, output_size: 1}, {type: group_norm, num_groups: 2}",
    "layer": "{type: adaptive_avg_pool2d, output_size: 1}, {type: layer_norm2d}",
    "response": "{type: adaptive_avg_pool2d, output_size: 1}, {type: local_response_norm, size: 2}",
    "over a sigmoid": "{type: sigmoid}, {type: relu, inplace: true}",
    "over a softmax behind a view": "{type: softmax, dim: 1}, {type: identity}, {type: selu, inplace: true}",
    "over an activation in place": "{type: relu, inplace: true}, {type: dropout, inplace: true}",
    "over one that keeps a copy": "{type: silu, inplace: true}, {type: relu, inplace: true}",
    "over an input that is kept": "{type: gelu}, {type: relu, inplace: true}",
    "dropout that drops nothing": "{type: sigmoid}, {type: dropout, p: 0, inplace: true}",
    "negative slope": "{type: leaky_relu, negative_slope: -0.1, inplace: true}",
    "negative slope, not in place": "{type: leaky_relu, negative_slope: -0.1}",
    "negative alpha": "{type: celu, alpha: -1, inplace: true}",
    "one negative slope": "{type: rrelu, lower: -0.1, upper: -0.1, inplace: true}",
    "random negative slopes": "{type: rrelu, lower: -0.2, upper: -0.1, inplace: true}",
}


def refuses(network: Network, batch: int, *, training: bool) -> bool:
    """Whether PyTorch does."""
    model = build(network).train(training)
    try:
        result = model(torch.randn(batch, *network.graph.input_shape))
        if training:
            result.sum().backward()
    except (ValueError, RuntimeError):
        return True
    return False


@pytest.mark.parametrize("layers", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("batch", [1, 3])
def test_what_pytorch_refuses(layers: str, batch: int) -> None:
    network = loads(f"input: [4, 3, 3]\nlayers: [{CONV}, {layers}]")
    analysis = network.analyze(batch=batch)
    assert (analysis.refusal is not None) == refuses(network, batch, training=True)
    assert (analysis.training is None) == (analysis.refusal is not None)


@pytest.mark.parametrize("layers", ["{type: leaky_relu, negative_slope: -1, inplace: true}", "{type: sigmoid}"])
def test_what_needs_no_gradient_is_not_refused(layers: str) -> None:
    network = loads(f"input: [4, 3, 3]\nlayers: [{{type: tanh}}, {layers}, {{type: relu, inplace: true}}, {CONV}]")
    assert not refuses(network, 1, training=True)
    assert network.analyze().refusal is None


def test_a_peak_that_there_is_not(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """No report gives a number for it; each says which layer, and what to do."""
    path = tmp_path / "one_value.yaml"
    path.write_text(ONE_VALUE, encoding="utf-8")
    reason = (
        "PyTorch refuses to train it: 'n' (batch_norm2d) gets one value per channel, 4x1x1 at batch 1; use --batch 2"
    )
    _, out, _ = run(capsys, "analyze", str(path), "--format", "json")
    memory = json.loads(out)["total"]["memory"]
    assert memory["training_peak"] is None
    assert memory["training_refused"] == {"reason": reason, "layer": "n", "batch": 2}
    status, out, err = run(capsys, "memory", str(path), "--training")
    assert (status, out) == (1, "")
    assert reason in err
    for command in (["analyze", str(path)], ["compare", str(path)], ["compare", str(path), "--format", "csv"]):
        status, out, _ = run(capsys, *command)
        assert status == 0
        assert reason in " ".join(out.split())
    _, out, _ = run(capsys, "compare", str(path), "--format", "csv")
    header, row = (line.split(",") for line in out.splitlines())
    assert row[header.index("memory_training_peak")] == ""
    for name in ("x.tex", "x.md", "x.html"):
        assert main(["compare", str(path), str(path), "-o", str(tmp_path / name)]) == 0
        assert "one value per channel" in (tmp_path / name).read_text(encoding="utf-8")
    assert "training step with" not in (tmp_path / "x.html").read_text(encoding="utf-8")
    _, out, _ = run(capsys, "analyze", str(path), "--batch", "2", "--format", "json")
    assert json.loads(out)["total"]["memory"]["training_peak"] > 0


def test_an_analysis_that_is_kept_tells_whoever_asks_in_their_words() -> None:
    kept = loads(ONE_VALUE).analyze()
    assert kept.refusal is not None
    assert kept.refusal.reason.endswith("at batch 1; use batch=2")
    with spelled(OptionSpelling()):
        assert kept.refusal.reason.endswith("at batch 1; use --batch 2")


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_only_batches_that_train_are_recommended(batch: int) -> None:
    network = loads(ONE_VALUE)
    peak = network.analyze(batch=2).training
    assert peak is not None
    fits = memory_view(network.analyze(batch=batch), limit=peak.peak).fits
    assert fits["training"].batch == 2
    assert memory_view(network.analyze(batch=batch), limit=peak.peak - 1).fits["training"][:2] == (0, peak.peak)


def test_no_batch_is_recommended_where_none_trains(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "idle.yaml"
    path.write_text(NO_PARAMS, encoding="utf-8")
    _, out, _ = run(capsys, "memory", str(path), "--fit", "1GiB")
    assert "fits, training       no batch: idle has no parameters, so that there is nothing to train" in out
    assert set(memory_view(load(path).analyze(), limit=2**30).fits) == {"inference"}


@pytest.mark.parametrize("text", [ONE_VALUE, NO_PARAMS])
def test_counting_and_measuring_without_a_training_step(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str
) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    assert main(["verify", str(path), "--memory"]) == 0
    out = capsys.readouterr().out
    assert "equal to live storages: inference" in out
    assert "no training step counted: " in out
    status, out, _ = run(capsys, "measure", str(path), "--rounds", "1")
    assert status == 0
    assert "forward + backward   not run; " in out
    _, out, _ = run(capsys, "measure", str(path), "--rounds", "1", "--format", "json")
    measured = json.loads(out)["measured"]
    assert (measured["forward_backward"], measured["predicted_training_peak"]) == (None, None)


def test_a_batch_that_eval_mode_refuses(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Without running statistics those of the batch are taken in eval mode too."""
    path = tmp_path / "x.yaml"
    path.write_text(ONE_VALUE.replace("batch_norm2d", "batch_norm2d, track_running_stats: false"), encoding="utf-8")
    for command in (["verify", str(path), "--memory"], ["verify", str(path)], ["measure", str(path)]):
        status, _, err = run(capsys, *command)
        assert status == 1
        assert "PyTorch refuses to run it: 'n' (batch_norm2d) gets one value per channel" in err
    assert main(["verify", str(path), "--memory", "--batch", "2"]) == 0
