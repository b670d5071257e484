"""Weights and activations of deployed networks, beside a network that TensorFlow's own converter has written."""

from __future__ import annotations

from typing import Any

import pytest

import archlab
from tests.command import run

PERSON: dict[str, Any] = {"input": (1, 96, 96), "width_mult": 0.25, "num_classes": 2}
"""`person_detect.tflite` of tensorflow/tflite-micro, a MobileNetV1 in int8."""
WEIGHTS, BIASES, PAIRS = 207_968, 10_952, 65_712
"""Bytes of its int8 tensors, of its int32 biases, and of the scales and zero points of both, read from the file."""
ARENA = 55_296
"""What the interpreter of tflite-micro plans for its activations."""


def test_the_weights_of_a_network_are_those_of_its_file() -> None:
    analysis = archlab.load("mobilenet_v1", **PERSON).deploy().analyze(dtype="int8")
    memory = analysis.total.memory
    assert analysis.total.params == WEIGHTS + BIASES // 4
    assert memory.params == WEIGHTS + BIASES
    assert memory.buffers == 0
    assert memory.quantization == PAIRS
    assert memory.flash == WEIGHTS + BIASES + PAIRS
    assert memory.ram == ARENA  # its two largest maps of neighbours are multiples of 16


def test_tensors_of_every_kind_in_int8() -> None:
    """Weights that two calls share count once; what multiplies no matrix has a scale for a whole tensor."""
    network = archlab.loads("""
        archlab: 1
        input: [3, 8, 8]
        layers:
          - {name: conv, type: conv2d, out_channels: 3, kernel_size: 3, padding: 1}
          - {share: conv, name: again}
          - {type: conv_transpose2d, out_channels: 5, kernel_size: 2, stride: 2, bias: false}
          - {type: tanh}
          - {type: batch_norm2d}
          - {type: group_norm, num_groups: 1}
          - {type: batch_norm2d, track_running_stats: false}
          - {type: prelu}
    """).deploy()
    analysis = network.analyze(dtype="int8")
    found = {layer.node.path: tuple(analysis.weight_bytes(layer)) for layer in analysis.layers}
    assert list(found.values()) == [
        (81 + 3 * 4, 0, 2 * 3 * 12),
        (0, 0, 0),
        (3 * 5 * 4, 0, 5 * 12),
        (0, 0, 0),
        (5 + 5, 0, 2 * 12),  # a scale and a shift
        (5 + 5, 0, 2 * 12),
        (5 + 5, 0, 2 * 12),
        (1, 0, 12),
    ]
    assert analysis.total.memory.flash == sum(map(sum, found.values()))


def test_its_figures_have_names_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    target = ("mobilenet_v1", "--input", "1x96x96", "--set", "width_mult=0.25", "--set", "num_classes=2")
    limits = f"int8.flash <= {WEIGHTS + BIASES + PAIRS}B and int8.ram <= {ARENA}B"
    assert run(capsys, "check", *target, "--limit", limits)[0] == 0
    status, out, _ = run(capsys, "check", *target, "--limit", f"int8.ram < {ARENA}B and int8.flash <= 1KiB")
    assert status == 1
    assert "int8.ram must be < 55296B, but it is 54.00 KiB" in out
    assert "36.00 KiB  stage1.0.conv2" in out
    assert run(capsys, "check", *target, "--deploy", "--dtype", "int8", "--max-ram", f"{ARENA}B")[0] == 0
    assert run(capsys, "check", *target, "--dtype", "int8", "--max-ram", f"{ARENA}B")[0] == 1


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("float16", 2)])
def test_in_floats_each_element_has_a_size_alone(dtype: str, size: int) -> None:
    analysis = archlab.load("mobilenet_v1", **PERSON).deploy().analyze(dtype=dtype)
    memory = analysis.total.memory
    assert memory.flash == memory.params == analysis.total.params * size
    assert memory.ram == ARENA * size


def test_int8_says_of_which_layers_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("analyze", "compare", "memory"):
        _, written, _ = run(capsys, command, "squeezenet1_1", "--dtype", "int8")
        assert "int8: of layers as they are written, none fused" in written
        _, deployed, _ = run(capsys, command, "squeezenet1_1", "--dtype", "int8", "--deploy")
        assert "as they are written" not in deployed


def test_time_and_check_say_so_too(capsys: pytest.CaptureFixture[str]) -> None:
    for options, said in (((), True), (("--deploy",), False)):
        _, out, _ = run(capsys, "time", "squeezenet1_1", "--dtype", "int8", *options)
        assert ("int8: of layers as they are written, none fused" in out) == said
        _, _, err = run(capsys, "check", "squeezenet1_1", "--dtype", "int8", "--max-macs", "1G", *options)
        assert ("int8 is of layers as they are written, none fused" in err) == said


def test_a_deployed_network_is_not_trained(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "memory", "squeezenet1_1", "--training", "--deploy")
    assert status == 1
    assert "a deployed network is not trained" in err
    assert archlab.load("squeezenet1_1").deploy().analyze().training is None
