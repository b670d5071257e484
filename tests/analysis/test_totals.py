"""Sums over the layers, productivity, fits and optimizers: by hand, by brute force and against `torch.optim`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

from archlab.analysis.conditions import ConditionOptions
from archlab.analysis.memory.fit import MOST_SAMPLES, Fit, largest_batch
from archlab.analysis.optimizer import OPTIMIZERS
from archlab.analysis.receptive_field.productivity import border_layer
from archlab.analysis.result import Analysis
from archlab.api.load import loads
from archlab.layers.room import Room

CLASSIFIER = """
    input: [3, 8, 6]
    layers:
      - {name: conv1, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}
      - {type: batch_norm2d}
      - {type: relu}
      - {name: conv2, type: conv2d, out_channels: 2, kernel_size: [1, 3], bias: false}
      - {type: max_pool2d, kernel_size: 2}
      - {type: flatten}
      - {type: linear, out_features: 5}
"""


@pytest.mark.parametrize("batch", [1, 3])
def test_totals_are_sums(batch: int) -> None:
    """Maps of 4x8x6, 4x8x6, 4x8x6, 2x8x4, 2x4x2 and 16, then 5 values."""
    analysis = loads(CLASSIFIER).analyze(batch=batch)
    total = analysis.total
    convs, linear = 4 * 48 * 3 * 9 + 64 * 4 * 3, 5 * 16
    elementwise = 4 * 48 + 2 * 4 * 48 + 4 * 48 + 16 * 3 + 5  # bias, norm, relu, comparisons, bias
    assert total.params == (4 * 3 * 9 + 4) + 8 + 2 * 4 * 3 + (5 * 16 + 5)
    assert total.buffers == 4 + 4 + 1
    assert total.macs == batch * (convs + linear)
    assert total.flops == batch * (2 * (convs + linear) + elementwise)
    assert total.activations == batch * (4 * 48 + 64 + 5)
    assert total.memory.params == 4 * total.params
    assert total.memory.buffers == 4 * 8 + 8
    assert total.memory.activations == 4 * batch * (4 * 48 + 4 * 48 + 4 * 48 + 64 + 16 + 5)
    rows = [(layer.macs, layer.activations) for layer in analysis.layers]
    assert rows[0] == (batch * 4 * 48 * 27, batch * 4 * 48)
    assert rows[1] == (0, 0)
    assert rows[-1] == (batch * 80, batch * 5)


def words(layers: str, size: str) -> tuple[dict[str, str], str | None]:
    analysis: Analysis = loads(f"input: {size}\nlayers:\n{layers}").analyze()
    nodes = analysis.graph.nodes
    border = border_layer(analysis.productivity)
    found = {nodes[index].path: str(word) for index, word in analysis.productivity.items()}
    return found, None if border is None else nodes[border].path


def test_productive_critical_and_unproductive() -> None:
    """Into `behind` the shortcut brings a field of 3, the body one of 3 + 6 = 9; into `last` they bring 9 and 15."""
    conv = "type: conv2d, out_channels: 2"
    layers = f"""
      - {{name: first, {conv}, kernel_size: 3, padding: 1}}
      - {{name: wide, {conv}, kernel_size: 7, padding: 3}}
      - {{type: add, with: [first]}}
      - {{name: behind, {conv}, kernel_size: 7, padding: 3}}
      - {{name: pointwise, {conv}, kernel_size: 1}}
      - {{name: last, {conv}, kernel_size: 3, padding: 1}}
    """
    judged = {"first": "productive", "wide": "productive", "behind": "critical", "last": "unproductive"}
    assert words(layers, "[2, 9, 9]") == (judged, "last")
    # an axis that is longer than the field by one keeps the layer productive
    assert words(layers, "[2, 9, 10]") == ({**judged, "behind": "productive", "last": "critical"}, None)
    assert words(layers, "[2, 10, 9]") == ({**judged, "behind": "productive", "last": "critical"}, None)


def test_a_deformable_convolution_is_judged_by_the_map_that_it_samples() -> None:
    """Into it comes a field of 7; its offsets see 9, which is all of the image."""
    layers = """
      - {name: wide, type: conv2d, out_channels: 2, kernel_size: 7, padding: 3}
      - {name: deform, type: deform_conv2d, out_channels: 2, kernel_size: 3, padding: 1}
      - {name: last, type: conv2d, out_channels: 2, kernel_size: 3, padding: 1}
    """
    judged, border = words(layers, "[2, 9, 9]")
    assert judged == {
        "wide": "productive",
        "deform.offset": "productive",
        "deform.conv": "productive",
        "last": "unproductive",
    }
    assert border == "last"


@pytest.mark.parametrize("dtype", ["float64", "int4"])
def test_conditions_that_cannot_be(dtype: str) -> None:
    network = loads(CLASSIFIER)
    for options, said in (
        ({"dtype": dtype}, f"dtype must be one of float32, float16, bfloat16, int8, not '{dtype}'"),
        ({"batch": 0}, "batch must be at least 1, not 0"),
        ({"optimizer": "lion"}, "optimizer must be one of sgd, momentum, adam, adamw, not 'lion'"),
        ({"autocast": "int8"}, "autocast must be one of float16, bfloat16, not 'int8'"),
        (
            {"autocast": "float16", "dtype": "bfloat16"},
            "autocast lowers the precision of float32, not of bfloat16",
        ),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
            network.analyze(**options)


def test_an_analysis_says_under_which_conditions_it_is() -> None:
    analysis = loads(CLASSIFIER).analyze(batch=3, dtype="float16", optimizer="adam")
    assert (analysis.batch, analysis.dtype, analysis.optimizer) == (3, "float16", "adam")
    assert analysis.input_shape == [3, 3, 8, 6]


@pytest.mark.parametrize("least", [1, 2, 3])
def test_the_largest_batch_is_that_of_trying_all(least: int) -> None:
    for limit in range(1, 120):
        fitting = [batch for batch in range(least, 100) if 10 + 7 * batch <= limit]
        expected = Fit(fitting[-1], 10 + 7 * fitting[-1], least) if fitting else Fit(0, 10 + 7 * least, least)
        assert largest_batch(lambda batch: 10 + 7 * batch, limit, least) == expected
    asked: list[int] = []

    def endless(batch: int) -> int:
        asked.append(batch)
        return 0

    assert largest_batch(endless, 10, 1).batch == MOST_SAMPLES == max(asked) == 16_777_216


SIZES = [3, 40, 7, 1]
MADE: dict[str, Any] = {
    "sgd": lambda params: torch.optim.SGD(params, lr=0.1),
    "momentum": lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9),
    "adam": lambda params: torch.optim.Adam(params, lr=0.1),
    "adamw": lambda params: torch.optim.AdamW(params, lr=0.1),
}


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_optimizers_keep_what_torchs_do(name: str) -> None:
    params = [torch.nn.Parameter(torch.ones(size)) for size in SIZES]
    optimizer = MADE[name](params)
    sum((param * 2).sum() for param in params).backward()  # type: ignore[union-attr]
    optimizer.step()
    states = [value for state in optimizer.state.values() for value in state.values() if value is not None]
    kept = sum(value.numel() * value.element_size() for value in states)
    assert OPTIMIZERS[name].state_bytes([4 * size for size in SIZES]) == kept


def test_the_step_of_one_parameter_after_another() -> None:
    """A root, what it is divided into, and the root of the parameter before: 2 x 40 + 8, not 2 x 44."""
    assert OPTIMIZERS["adam"].step_bytes([8, 40, 20], foreach=False) == 2 * 40 + 8
    assert OPTIMIZERS["adam"].step_bytes([40, 36], foreach=False) == 2 * 36 + 40
    assert OPTIMIZERS["adam"].step_bytes([8, 40, 28], foreach=True) == 8 + 40 + 28
    assert OPTIMIZERS["adam"].step_bytes([], foreach=False) == 0
    assert OPTIMIZERS["momentum"].step_bytes([8, 40], foreach=False) == 0


def test_room_depends_on_dtype_and_batch_by_its_parts() -> None:
    """In half precision at batch 5: (3 elements x 2 bytes + 7 bytes) x 5, and once 11 x 2 + 13."""
    room = Room(elements=3, sample_bytes=7, fixed_elements=11, fixed_bytes=13)
    assert room.bytes(2, 5) == (3 * 2 + 7) * 5 + 11 * 2 + 13


@pytest.mark.parametrize(
    "peak_of",
    [lambda n: 1000 + 7 * n, lambda n: max(1000 + 3 * n, 9 * n), lambda n: 50 + 8 * (n // 64), lambda n: int(n**1.4)],
)
def test_the_largest_batch_of_any_growing_peak(peak_of: Callable[[int], int]) -> None:
    for limit in range(1, 4000, 397):
        expected = max((n for n in range(1, 50_000) if peak_of(n) <= limit), default=0)
        assert largest_batch(peak_of, limit).batch == expected


def test_a_crooked_peak_takes_some_thirty_looks() -> None:
    """Where lines lead nowhere the interval is halved: log2 of it, which is about 20 here, and the lines before."""
    asked: list[int] = []

    def peak(batch: int) -> int:
        asked.append(batch)
        assert len(asked) < 40
        return batch if batch <= 1_234_567 else 10**12

    assert largest_batch(peak, 2_000_000) == Fit(1_234_567, 1_234_567)


BLOCKS = """
input: [3, 8, 8]
blocks: {one: {layers: [{type: conv2d, out_channels: 3, kernel_size: 1}, {type: tanh}]}}
layers: [{name: a, use: one}, {name: b, use: one}]
"""


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({}, "momentum"),
        ({"optimizer": "adam", "channels_last": True}, "adam, channels_last"),
        (
            {"autocast": "float16", "checkpoint": ["a"]},
            "momentum, autocast to float16, 1 block checkpointed",
        ),
        ({"checkpoint": ["*"], "channels_last": True}, "momentum, 2 blocks checkpointed, channels_last"),
    ],
)
def test_a_step_in_words(conditions: ConditionOptions, words: str) -> None:
    assert loads(BLOCKS).analyze(**conditions).step_text() == words


def test_a_straight_peak_takes_four_looks() -> None:
    """The memory of a network of 32,768 layers takes a second to work out."""
    asked: list[int] = []

    def peak(batch: int) -> int:
        asked.append(batch)
        return 1000 + 7 * batch

    assert largest_batch(peak, 10**8) == Fit(14_285_571, 10**8 - 3, 1)
    assert len(asked) <= 4
