"""ONNX: onnxruntime gives the built model's outputs, for every family and any batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from archlab.api import Network, load, loads
from archlab.cli import main
from archlab.torch.build import build
from archlab.torch.export import export_onnx

onnxruntime = pytest.importorskip("onnxruntime")

FAMILIES = (
    *("squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x0_5", "resnet18", "regnet_y_400mf", "unet_bilinear"),
    "dilated_context",
)
"""One for each kind of operator; `python -m tests.zoo_table --onnx` writes all families."""


def differences(network: Network, path: Path) -> list[float]:
    """The largest difference of each output, relative to its largest value, over two batches."""
    torch.manual_seed(0)
    model = build(network).eval()
    export_onnx(model, network.graph, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found: list[float] = []
    for batch in (1, 3):
        sample = torch.randn(batch, *network.graph.input_shape)
        with torch.no_grad():
            results = model(sample)
        if not isinstance(results, dict):
            results = {"output": results}
        assert [output.name for output in session.get_outputs()] == list(results)
        made = session.run(None, {"input": sample.numpy()})
        for expected, value in zip(results.values(), made, strict=True):
            difference = (torch.from_numpy(value) - expected).abs().max() / expected.abs().max()
            found.append(float(difference))
    return found


@pytest.mark.parametrize("name", FAMILIES)
def test_onnxruntime_gives_the_same(name: str, tmp_path: Path) -> None:
    network = load(name) if name == "dilated_context" else load(name, input=(3, 64, 64))
    assert max(differences(network, tmp_path / "net.onnx")) < 1e-3


def test_labels_are_the_outputs(tmp_path: Path) -> None:
    text = (
        "input: [3, 16, 16]\nlayers:\n  - {name: a, type: conv2d, out_channels: 4, kernel_size: 3}\n"
        "  - {name: b, type: conv2d, out_channels: 5, kernel_size: 3}\noutputs: {fine: a, coarse: b}\n"
    )
    assert max(differences(loads(text), tmp_path / "net.onnx")) < 1e-5


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.onnx"
    assert main(["build", "squeezenet1_1", "--input", "3x64x64", "-o", str(path)]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["batch", 3, 64, 64]
