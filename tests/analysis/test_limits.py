"""Limits beside what other programs count, and what weighs most by theirs."""

from __future__ import annotations

from collections import Counter
from math import inf
from operator import itemgetter
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from archlab.analysis.figure import DEPLOYED, NOTHING_KNOWN, Range, figure_of
from archlab.analysis.heaviest import heaviest
from archlab.analysis.limits import State, judge_limit
from archlab.api.analysis import Analysis
from archlab.api.load import load, loads
from archlab.api.model import build
from archlab.config.tree.figures import FIGURES, parse_limits


def state(analysis: Analysis, figure: str, text: str) -> State:
    (limit,) = parse_limits(text, figure)
    return judge_limit(analysis, figure, limit).state


def looked_up(total: Any, figure: str) -> Any:
    for key in figure.split("."):
        total = total[key]
    return total


def test_figures_are_those_of_json() -> None:
    analysis = load("mobilenet_v2").analyze(batch=2)
    total = analysis.to_dict()["total"]
    for figure in FIGURES:
        if figure not in ("receptive_field", "stride"):
            dtype, _, part = figure.partition(".")
            if figure == "memory.arena":
                assert figure_of(analysis, figure).ranges == (NOTHING_KNOWN,)  # of deployed networks in int8
                continue
            if dtype in DEPLOYED:
                value = looked_up(analysis.deployed(dtype).to_dict()["total"], f"memory.{part}")
            else:
                value = looked_up(total, figure)
            assert figure_of(analysis, figure).ranges == (Range(value, value, value),)
    assert [axis.shown for axis in figure_of(analysis, "receptive_field").ranges] == total["receptive_field"]["size"]
    assert [axis.shown for axis in figure_of(analysis, "stride").ranges] == total["receptive_field"]["stride"]


def by_module(model: torch.nn.Module, figure: str, size: tuple[int, ...]) -> dict[str, int]:
    """What PyTorch counts in each module."""
    if figure == "macs":
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model.eval()(torch.zeros(size))
        counts = counter.get_flop_counts()
        kind = f"{type(model).__name__}."
        return {name.removeprefix(kind): sum(found.values()) // 2 for name, found in counts.items() if kind in name}
    tensors = model.named_parameters() if figure.endswith("params") else model.named_buffers()
    found: Counter[str] = Counter()
    for name, tensor in tensors:
        found[name.rpartition(".")[0]] += tensor.nbytes if figure.startswith("memory.") else tensor.numel()
    return found


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2"])
@pytest.mark.parametrize("figure", ["params", "buffers", "macs", "memory.params", "memory.buffers"])
def test_what_weighs_most_is_what_pytorch_says(name: str, figure: str) -> None:
    network = load(name)
    analysis = network.analyze()
    model = build(network)
    leaves = {path for path, module in model.named_modules() if not list(module.children())}
    counted = {k: v for k, v in by_module(model, figure, tuple(analysis.input_shape)).items() if k in leaves and v}
    parts = heaviest(analysis, figure, most=10_000)
    assert {part.name: part.value for part in parts} == counted
    assert [part.value for part in parts] == sorted(counted.values(), reverse=True)
    assert sum(part.value for part in parts) == figure_of(analysis, figure).ranges[0].shown
    assert sum(part.share for part in parts) == pytest.approx(1)


@pytest.mark.parametrize(("figure", "batch"), [("memory.inference_peak", 1), ("memory.training_peak", 3)])
@pytest.mark.parametrize("name", ["resnet18", "densenet121", "unet"])
def test_the_parts_of_a_peak_are_all_of_it(name: str, figure: str, batch: int) -> None:
    analysis = load(name).analyze(batch=batch)
    parts = heaviest(analysis, figure, most=10_000)
    assert sum(part.value for part in parts) == figure_of(analysis, figure).ranges[0].shown
    assert [part.value for part in parts] == sorted((part.value for part in parts), reverse=True)


def test_a_field_grows_by_the_kernel_times_the_stride_before() -> None:
    """Araujo, Norris and Sim 2019, equation 2: 1 plus the sum of (k - 1) times the product of earlier strides."""
    windows = [(7, 2), (3, 2), (5, 1), (3, 3), (2, 1)]
    items = [f"- {{type: conv2d, out_channels: 2, kernel_size: {k}, stride: {s}}}" for k, s in windows]
    analysis = loads("input: [3, 200, 200]\nlayers:\n" + "\n".join(items)).analyze()
    expected, jump = {}, 1
    for number, (kernel, stride) in enumerate(windows, 1):
        expected[f"conv{number}"] = (kernel - 1) * jump
        jump *= stride
    parts = heaviest(analysis, "receptive_field", most=99)
    assert [(part.name, part.value) for part in parts] == sorted(expected.items(), key=itemgetter(1), reverse=True)
    assert figure_of(analysis, "receptive_field").ranges[0].shown == 1 + sum(expected.values())


def test_a_sum_that_is_not_known() -> None:
    """112 params are known: too many for 111 whatever the opaque layer has; enough for 112; else unknown."""
    analysis = loads("""
        input: [3, 8, 8]
        layers:
          - {type: conv2d, out_channels: 4, kernel_size: 3}
          - {type: mypackage.MyModule, output: same}
    """).analyze()
    assert state(analysis, "params", "<= 111") is State.BROKEN
    assert state(analysis, "params", "< 112") is State.BROKEN
    assert state(analysis, "params", "<= 112") is State.UNKNOWN
    assert state(analysis, "params", ">= 112") is State.HOLDS
    assert state(analysis, "params", "> 112") is State.UNKNOWN
    assert state(analysis, "receptive_field", ">= 3") is State.UNKNOWN
    assert state(analysis, "receptive_field", "<= 300") is State.UNKNOWN
    assert state(analysis, "memory.inference_peak", "<= 1 GiB") is State.UNKNOWN
    assert state(analysis, "memory.inference_peak", "<= 1 KiB") is State.BROKEN


def test_a_limit_holds_for_every_unit_along_every_axis() -> None:
    """A transposed convolution of 3 with stride 2: units see 1 or 2 positions by turns."""
    text = "{type: conv_transpose2d, out_channels: 2, kernel_size: [3, 1], stride: [2, 1]}"
    analysis = loads(f"input: [3, 8, 8]\nlayers:\n  - {text}").analyze()
    assert figure_of(analysis, "receptive_field").ranges == (Range(1, 2, 2), Range(1, 1, 1))
    for limit, holds in {"<= 2": True, "< 2": False, ">= 1": True, "> 1": False, "<= 1": False}.items():
        assert (state(analysis, "receptive_field", limit) is State.HOLDS) == holds, limit


def test_a_global_field_sees_enough_and_too_much() -> None:
    analysis = loads("""
        input: [3, 8, 8]
        layers:
          - {type: adaptive_avg_pool2d, output_size: 1}
          - {type: upsample, size: 8}
    """).analyze()
    assert figure_of(analysis, "receptive_field").ranges == (Range(inf, inf, inf),) * 2
    assert state(analysis, "receptive_field", ">= 224") is State.HOLDS
    assert state(analysis, "receptive_field", "<= 224") is State.BROKEN
    assert state(analysis, "stride", "<= 224") is State.UNKNOWN


@pytest.mark.parametrize(("bound", "expected"), [("", State.UNKNOWN), (", max_offset: 2", State.HOLDS)])
def test_offsets_without_a_bound_may_see_anything(bound: str, expected: State) -> None:
    """A 3x3 kernel that reaches up to 2 further on both sides; interpolation reads a neighbour."""
    text = f"input: [3, 16, 16]\nlayers: [{{type: deform_conv2d, out_channels: 2, kernel_size: 3{bound}}}]"
    analysis = loads(text).analyze()
    assert state(analysis, "receptive_field", "<= 9") is expected
    assert state(analysis, "receptive_field", "<= 2") is State.BROKEN
    assert state(analysis, "receptive_field", ">= 3") is State.HOLDS
