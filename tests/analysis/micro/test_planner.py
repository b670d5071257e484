"""The planner's rules, one by one; `test_interpreter` holds them beside the real one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import archlab
from archlab.analysis.micro.arena import Arena, micro_arena
from archlab.analysis.micro.planner import Buffer, arena_bytes, planned_offsets
from tests.chunks import check_each, in_chunks
from tests.command import run

RECORDED = json.loads(Path(__file__).with_name("arenas.json").read_text())
"""Networks as `tflite.draw` drew them, with the arenas that the interpreter of tflite-micro planned for them."""


@pytest.mark.parametrize("numbers", in_chunks(range(len(RECORDED))))
def test_arenas_that_the_interpreter_has_planned(numbers: list[int]) -> None:
    check_each(numbers, check_arena)


def check_arena(number: int) -> None:
    case = RECORDED[number]
    assert micro_arena(archlab.loads(case["config"]).deploy().graph).size == case["arena"]


def test_the_largest_is_first_and_of_equal_ones_the_last() -> None:
    assert planned_offsets([Buffer(16, 0, 1), Buffer(32, 1, 2), Buffer(32, 1, 2)]) == [64, 32, 0]


def test_sizes_are_rounded_up_to_sixteen_bytes() -> None:
    assert planned_offsets([Buffer(17, 0, 1), Buffer(1, 0, 1)]) == [0, 32]
    assert arena_bytes([Buffer(17, 0, 1), Buffer(1, 0, 1)]) == 48
    assert arena_bytes([]) == 0


def test_what_is_not_alive_at_the_same_time_shares_memory() -> None:
    assert planned_offsets([Buffer(64, 0, 1), Buffer(48, 2, 3), Buffer(16, 1, 2)]) == [0, 0, 64]


def test_the_first_gap_that_is_large_enough_is_taken() -> None:
    # 96 at 0; 64 behind it; 48 where 96 has been, since that is over; 32 in the gap between 48 and 64
    buffers = [Buffer(96, 0, 1), Buffer(64, 1, 3), Buffer(48, 2, 3), Buffer(32, 2, 3)]
    assert planned_offsets(buffers) == [0, 96, 0, 48]


PERSON = ("mobilenet_v1_slim", "--input", "1x96x96", "--set", "width_mult=0.25", "--set", "num_classes=2")


def test_the_arena_of_a_network_that_everyone_knows(capsys: pytest.CaptureFixture[str]) -> None:
    """The interpreter's head for `person_detect.tflite` is 55,296 bytes."""
    status, out, _ = run(capsys, "analyze", *PERSON, "--deploy", "--dtype", "int8", "--format", "json")
    memory = json.loads(out)["total"]["memory"]
    assert status == 0
    assert memory["arena"] == memory["ram"] == 55_296
    assert run(capsys, "check", *PERSON, "--limit", "int8.arena <= 55296B")[0] == 0
    status, out, _ = run(capsys, "check", *PERSON, "--limit", "int8.arena < 55296B")
    assert status == 1
    assert "int8.arena must be < 55296B, but it is 54.00 KiB" in out
    assert "66.7%  36.00 KiB  stage1.0.conv2, output" in out


def test_what_is_alive_at_the_peak_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    target = ("mobilenet_v2", "--input", "3x96x96", "--limit", "int8.arena <= 300 KiB")
    status, out, _ = run(capsys, "check", *target)
    assert status == 1
    assert "52.0%  234.4 KiB  stage2.0.conv2 (PAD)\n   48.0%  216.0 KiB  stage2.0.conv1, output\n" in out
    layer = "{type: conv_transpose2d, out_channels: 4, kernel_size: 2, stride: 2}"
    network = archlab.loads(f"archlab: 1\ninput: [4, 8, 8]\nlayers:\n  - {layer}\n")
    arena = micro_arena(network.deploy().graph)
    assert [tuple(held) for held in arena.held] == [
        (1, 4096, "inside TRANSPOSE_CONV"),
        (1, 1024, ""),
        (0, 256, ""),
    ]


def arena_of(shape: str, *layers: str) -> Arena:
    items = "".join([f"  - {layer}\n" for layer in layers])
    return micro_arena(archlab.loads(f"archlab: 1\ninput: {shape}\nlayers:\n{items}").deploy().graph)


@pytest.mark.parametrize(
    ("layer", "channels", "size"), [("mean", 1, 80), ("mean", 20, 464), ("amax", 1, 64), ("amax", 20, 384)]
)
def test_what_reductions_take_inside(layer: str, channels: int, size: int) -> None:
    """As the interpreter plans it for one operator."""
    assert arena_of(f"[{channels}, 4, 4]", f"{{type: {layer}, dim: [2, 3]}}").size == size


def test_what_runs_at_the_peak_is_the_one_that_is_named() -> None:
    arena = arena_of(
        "[4, 8, 8]",
        "{type: conv2d, out_channels: 2, kernel_size: 1}",
        "{type: conv_transpose2d, out_channels: 4, kernel_size: 2, stride: 2}",
        "{type: max_pool2d, kernel_size: 2}",
    )
    assert arena.peak_node == 2
    assert [tuple(held) for held in arena.held] == [(2, 4096, "inside TRANSPOSE_CONV"), (2, 1024, ""), (1, 128, "")]


@pytest.mark.parametrize(
    ("activation", "operators", "peak"),
    [("relu", 1, 2), ("sigmoid", 2, 2), ("hardsigmoid", 3, 2), ("silu", 3, 3), ("batch_norm2d", 1, 2)],
)
def test_activations_that_are_operators(activation: str, operators: int, peak: int) -> None:
    """SiLU alone reads its input once more, when the sigmoid of it is there."""
    conv = "{type: conv2d, out_channels: 16, kernel_size: 1}"
    arena = arena_of("[16, 8, 8]", conv, f"{{type: {activation}}}")
    assert (arena.operators, arena.peak) == (operators, peak * 16 * 8 * 8)


def test_a_network_that_does_nothing_needs_its_input() -> None:
    arena = arena_of("[4, 8, 8]", "{type: dropout}")
    assert (arena.size, arena.peak, arena.peak_node, arena.operators) == (256, 256, 0, 0)


def test_a_padding_that_makes_tensorflows_same_is_no_operator() -> None:
    conv = "{type: conv2d, out_channels: 2, kernel_size: 5, stride: 4}"
    assert arena_of("[2, 10, 10]", "{type: zero_pad2d, padding: [1, 2, 1, 2]}", conv).operators == 1
    assert arena_of("[2, 10, 10]", "{type: zero_pad2d, padding: [2, 1, 2, 1]}", conv).operators == 2
    assert arena_of("[2, 10, 10]", "{type: zero_pad2d, padding: [1, 2, 1, 2]}", "{type: tanh}", conv).operators == 3


def test_padding_that_tensorflow_has_not_is_an_operator() -> None:
    text = "archlab: 1\ninput: [4, 8, 8]\nlayers:\n  - {{type: conv2d, out_channels: 4, kernel_size: 3, {}}}\n"
    operators = {
        options: micro_arena(archlab.loads(text.format(options)).deploy().graph).operators
        for options in (
            "padding: 1",
            "padding: 0",
            "stride: 2, padding: 1",
            "stride: 2, padding: same_tf",
            "padding: 2",
        )
    }
    assert list(operators.values()) == [1, 1, 2, 1, 2]


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ("{type: gelu}", "'gelu' (gelu) has no operator of TensorFlow Lite Micro's"),
        ("{type: adaptive_avg_pool2d, output_size: [4, 3]}", "has windows of several sizes"),
        ("{type: conv2d, out_channels: 2, kernel_size: 3, padding: 1, padding_mode: reflect}", "pads with reflect"),
        ("{type: upsample, scale_factor: 2, mode: bicubic}", "resizes by bicubic"),
        ("{type: max_pool2d, kernel_size: 2, dilation: 2}", "has a dilation"),
        ("{type: avg_pool2d, kernel_size: 3, stride: 2, padding: 1, count_include_pad: false}", "leaves a padding out"),
        ("{type: conv_transpose2d, out_channels: 2, kernel_size: 2, stride: 2, output_padding: 1}", "behind its last"),
        ("{type: conv_transpose2d, out_channels: 2, kernel_size: 2, groups: 2}", "has groups or a dilation"),
        ("{type: conv_transpose2d, out_channels: 2, kernel_size: 2, dilation: 2}", "has groups or a dilation"),
        ("{type: channels_last}", "is not of maps of two axes or features"),
    ],
)
def test_what_has_no_form_there_is_unknown(layer: str, reason: str) -> None:
    network = archlab.loads(f"archlab: 1\ninput: [4, 8, 8]\nlayers:\n  - {layer}\n")
    arena = micro_arena(network.deploy().graph)
    assert arena.size is None
    assert reason in arena.unknown


def test_an_unknown_arena_is_never_within_a_limit(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "check", "convnext_tiny", "--limit", "int8.arena <= 1GiB")
    assert status == 1
    assert "int8.arena is not known: 'stem.ln' (layer_norm2d) has no operator" in out
    status, out, _ = run(capsys, "check", "mobilenet_v2", "--max-arena", "1GiB")
    assert status == 1
    assert "memory.arena is not known: an arena is of a deployed network in int8" in out
