"""ONNX: onnxruntime gives the built model's outputs, for every family and any batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from archlab.api.load import load, loads
from archlab.api.network import Network
from archlab.cli.main import main
from archlab.graph import Graph
from archlab.layers.describe import own_options
from archlab.torch.build import build
from archlab.torch.export import export_onnx
from tests import presets

onnxruntime = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.usefixtures("translations")

FAMILIES = (
    *("squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x0_5", "unet_bilinear", "dilated_context"),
    *("resnet18", "regnet_y_400mf"),
)
"""One for each kind of operator; `python -m tests.zoo_table --onnx` writes all families."""
KINDS = """
input: [3, 97, 97]
layers:
  - {type: conv2d, out_channels: 4, kernel_size: 7, stride: 2, padding: 3, norm: batch_norm2d}
  - {type: conv2d, out_channels: 8, kernel_size: 3, stride: 2}
  - {type: relu, inplace: true}
  - {type: max_pool2d, kernel_size: 3, stride: 2, ceil_mode: true}
  - {type: conv2d, out_channels: 4, kernel_size: 1, activation: {type: relu, inplace: true}}
  - type: branches
    merge: concat
    paths:
      - [{type: conv2d, out_channels: 4, kernel_size: 1}, {type: relu, inplace: true}]
      - [{type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}, {type: relu, inplace: true}]
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, norm: batch_norm2d}
  - {name: fine, type: relu, inplace: true}
  - {type: max_pool2d, kernel_size: 2}
  - {type: conv2d, out_channels: 6, kernel_size: 3, padding: auto}
  - {type: relu, inplace: true}
  - {type: conv2d, out_channels: 6, kernel_size: 3, padding: auto, dilation: 2}
  - {type: conv2d, out_channels: 6, kernel_size: 3, padding: auto, dilation: 4}
  - {type: conv2d, out_channels: 6, kernel_size: 3, padding: auto, dilation: 8}
  - {type: conv2d, out_channels: 6, kernel_size: 3, padding: auto, dilation: 16}
  - {type: upsample, scale_factor: 2, mode: bilinear}
  - {type: concat, with: [fine]}
  - {type: dropout}
  - type: branches
    merge: concat
    split: true
    paths:
      - []
      - - {type: conv2d, out_channels: 7, kernel_size: 1, norm: batch_norm2d}
        - {type: conv2d, out_channels: 7, kernel_size: 3, padding: 1, groups: 7, norm: batch_norm2d}
  - {type: channel_shuffle, groups: 2}
  - {type: conv2d, out_channels: 14, kernel_size: 3, stride: 2, padding: 1, groups: 14, norm: batch_norm2d}
  - {type: conv2d, out_channels: 14, kernel_size: 3, stride: 1, padding: auto, groups: 14, norm: batch_norm2d}
  - {type: conv2d, out_channels: 14, kernel_size: 5, padding: auto, groups: 7, norm: batch_norm2d}
  - type: residual
    body:
      - {type: conv2d, out_channels: 14, kernel_size: 1, norm: {type: batch_norm2d, eps: 0.001, momentum: 0.01}}
      - {type: hardswish, inplace: true}
  - type: branches
    merge: multiply
    paths:
      - []
      - - {type: adaptive_avg_pool2d, output_size: 1}
        - {type: conv2d, out_channels: 4, kernel_size: 1, activation: relu}
        - {type: conv2d, out_channels: 14, kernel_size: 1, activation: {type: hardsigmoid, inplace: true}}
  - {type: sigmoid}
  - type: branches
    merge: add
    paths:
      - [{type: conv2d, out_channels: 14, kernel_size: 1, stride: 2, norm: batch_norm2d}]
      - [{type: conv2d, out_channels: 14, kernel_size: 3, stride: 2, padding: 1, norm: batch_norm2d}]
      - [{type: conv2d, out_channels: 14, kernel_size: 3, stride: 2, padding: auto, groups: 14, bias: false}]
      - [{type: conv2d, out_channels: 14, kernel_size: 5, stride: 2, padding: auto, groups: 14, bias: false}]
  - {type: max_pool2d, kernel_size: 3, stride: 2, padding: 1}
  - {type: flatten}
  - {type: linear, out_features: 6}
  - {type: dropout, inplace: true}
  - {type: linear, out_features: 5}
"""
"""Every kind of layer of `FAMILIES`, each once: each layer more takes a tenth of a second to write."""


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


def written(name: str) -> Network:
    """A network of `FAMILIES`, small."""
    return load(name) if name == "dilated_context" else presets.shallow(name)


def kinds(graph: Graph) -> set[tuple[object, ...]]:
    """Types of layers with what they do, whatever their width and what they read."""
    widths = {*presets.SIZES, "start", "length"}
    return {
        (
            node.layer.type,
            getattr(node.layer, "groups", 1) > 1,
            *((name, repr(value)) for name, value in own_options(node.layer).items() if name not in widths),
        )
        for node in graph.nodes
    }


def test_onnxruntime_gives_the_same_of_each_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = loads(KINDS)
    for name in FAMILIES:
        assert not kinds(written(name).graph) - kinds(network.graph)
    assert max(differences(network, tmp_path / "net.onnx")) < 1e-3
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")


@pytest.mark.whole
@pytest.mark.parametrize("name", FAMILIES)
def test_onnxruntime_gives_the_same(name: str, tmp_path: Path) -> None:
    assert max(differences(written(name), tmp_path / "net.onnx")) < 1e-3


def test_labels_are_the_outputs(tmp_path: Path) -> None:
    text = (
        "input: [3, 16, 16]\nlayers:\n  - {name: a, type: conv2d, out_channels: 4, kernel_size: 3}\n"
        "  - {name: b, type: conv2d, out_channels: 5, kernel_size: 3}\noutputs: {fine: a, coarse: b}\n"
    )
    assert max(differences(loads(text), tmp_path / "net.onnx")) < 1e-5


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.onnx"
    assert main(["build", "dilated_context", "--input", "21x64x64", "-o", str(path)]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["batch", 21, 64, 64]


def test_a_dropped_window_of_ceil_mode(tmp_path: Path) -> None:
    """The last window begins in the padding; ONNX counts it before version 22, and its checker refuses the file."""
    onnx = pytest.importorskip("onnx")
    text = (
        "input: [3, 5, 5]\nlayers:\n"
        "  - {type: max_pool2d, kernel_size: 2, stride: 2, padding: 1, ceil_mode: true}\n"
        "  - {type: conv2d, out_channels: 8, kernel_size: 3}\n"
    )
    path = tmp_path / "net.onnx"
    assert max(differences(loads(text), path)) < 1e-5
    onnx.checker.check_model(str(path), full_check=True)
    assert onnx.load(path).opset_import[0].version == 22


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            "{type: conv_transpose2d, out_channels: 4, kernel_size: 3, dilation: 3, output_padding: 2}",
            "upconv (conv_transpose2d) cannot be written as ONNX: its output_padding must be less than the stride",
        ),
        (
            "{type: adaptive_max_pool2d, output_size: [6, 3]}",
            "it has no operator for adaptive_max_pool2d with windows of several sizes; choose an output_size",
        ),
        (
            "{type: avg_pool2d, kernel_size: 2, divisor_override: 3}",
            "avgpool (avg_pool2d) cannot be written as ONNX: its average pooling divides by the window",
        ),
        (
            "{type: adaptive_max_pool1d, output_size: 5}",
            "it has no operator for adaptive_max_pool1d with windows of several sizes; choose an output_size",
        ),
        (
            "{type: adaptive_avg_pool3d, output_size: [2, 4, 8]}",
            "it has no operator for adaptive_avg_pool3d; choose output_size 1, or write avg_pool3d with a kernel_size",
        ),
    ],
)
def test_what_cannot_be_written_is_placed(
    layer: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, path = tmp_path / "net.yaml", tmp_path / "net.onnx"
    unit = f"blocks: {{unit: {{layers: [{layer}]}}}}\n"
    sizes = [16] * (1 if "1d" in layer else 3 if "3d" in layer else 2)
    config.write_text(f"input: {[3, *sizes]}\n{unit}layers:\n  - {{type: relu}}\n  - {{name: stage, use: unit}}\n")
    assert main(["build", str(config), "-o", str(path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"{config}:2:26: stage." in printed.err
    assert message in printed.err
    assert "in block 'unit', used by stage at line 5" in printed.err
    assert not path.exists()


OTHER_RANKS = [
    "conv1d, out_channels: 6, kernel_size: 3, stride: 2, padding: 2, dilation: 2, padding_mode: replicate",
    "conv_transpose1d, out_channels: 6, kernel_size: 4, stride: 2, padding: 1, output_padding: 1",
    "max_pool1d, kernel_size: 3, stride: 2, padding: 1, ceil_mode: true",
    "max_pool1d, kernel_size: 2, stride: 2, padding: same_tf",
    "lp_pool1d, norm_type: 2.0, kernel_size: 2",
    "adaptive_avg_pool1d, output_size: 5",
    "upsample, size: 19, mode: linear",
    "instance_norm1d, affine: true",
    "reflection_pad1d, padding: [2, 1]",
    "conv3d, out_channels: 6, kernel_size: [1, 3, 3], stride: [1, 2, 1], padding: 2, padding_mode: circular",
    "conv_transpose3d, out_channels: 6, kernel_size: 4, stride: 2, padding: 1, output_padding: 1",
    "max_pool3d, kernel_size: 3, stride: 2, padding: 1, ceil_mode: true",
    "lp_pool3d, norm_type: 3.0, kernel_size: 3",
    "adaptive_max_pool3d, output_size: [2, 4, 3]",
    "upsample, scale_factor: [1, 2, 2], mode: trilinear",
    "instance_norm3d, affine: true",
    "replication_pad3d, padding: 1",
    "local_response_norm, size: 3",
    "global_avg_pool3d",
]


def test_layers_of_one_and_of_three_axes(tmp_path: Path) -> None:
    """A few in one network, each a result: writing one alone takes a second."""
    for rank, size in ((1, [12]), (3, [6, 8, 9])):
        items = [text for text in OTHER_RANKS if "2d" not in text and _rank(text) in (0, rank)]
        layers = "".join(f"  - {{name: l{number}, from: input, type: {text}}}\n" for number, text in enumerate(items))
        outputs = ", ".join(f"o{number}: l{number}" for number in range(len(items)))
        text = f"input: {[3, *size]}\nlayers:\n{layers}outputs: {{{outputs}}}\n"
        assert max(differences(loads(text), tmp_path / "net.onnx")) < 1e-4


def _rank(text: str) -> int:
    """The number of axes of a layer's input; 0 where it takes any."""
    return 1 if "1d" in text or ": linear" in text else 3 if "3d" in text or "trilinear" in text else 0


def test_an_adaptive_pool_of_a_size_that_divides(tmp_path: Path) -> None:
    text = "input: [3, 16, 16]\nlayers: [{type: adaptive_max_pool2d, output_size: [8, 4]}]\n"
    assert max(differences(loads(text), tmp_path / "net.onnx")) == 0
