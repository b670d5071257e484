"""`verify` finds every layer of every preset equal, and finds what is not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch import Tensor
from torch.jit._trace import TracerWarning
from torchvision.ops import DeformConv2d

from archlab.analysis.conditions import Conditions
from archlab.analysis.optimizer import OPTIMIZERS
from archlab.api.load import loads
from archlab.api.network import Network
from archlab.layers.base import Cost
from archlab.layers.batch_norm import BatchNorm2d
from archlab.layers.conv import Conv2d
from archlab.layers.shape import Shape
from archlab.torch import verify as verifying
from archlab.torch.verify import verify
from archlab.torch.verify_memory import verify_memory
from tests import presets

LARGE = 12_000_000_000
"""MACs beyond which only shapes flow, for time; `archlab verify NAME` computes."""


@pytest.mark.parametrize("name", presets.each_kind())
def test_every_preset_verifies(name: str) -> None:
    """With a small image and few repetitions; `pytest --whole` has all as they are."""
    network = presets.shallow(name)
    verified(network, is_large=network.analyze().total.macs > LARGE)


@pytest.mark.whole
@pytest.mark.parametrize("name", presets.TARGETS)
def test_every_preset_verifies_at_its_own_size(name: str) -> None:
    network = presets.network(name)
    verified(network, is_large=network.analyze().total.macs > LARGE)


def verified(network: Network, *, is_large: bool) -> None:
    report = verify(network, device="meta" if is_large else "cpu")
    assert report.ok, report.render()
    assert report.counters == (("FlopCounterMode",) if is_large else ("FlopCounterMode", "fvcore"))


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "mobilenet_v2"])
def test_a_batch_and_shapes_alone(name: str) -> None:
    network = presets.shallow(name)
    report = verify(network, batch=2)
    assert report.ok, report.render()
    report = verify(network, batch=3, device="meta")
    assert report.ok, report.render()
    assert report.counters == ("FlopCounterMode",)


def test_networks_of_many_layers_are_not_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    network = loads("{input: [4, 8, 8], layers: [{type: conv2d, out_channels: 4, kernel_size: 1, repeat: 5}]}")
    monkeypatch.setattr(verifying, "MOST_TRACED", 5)
    assert verify(network).counters == ("FlopCounterMode", "fvcore")
    monkeypatch.setattr(verifying, "MOST_TRACED", 4)
    report = verify(network)
    assert (report.ok, report.counters) == (True, ("FlopCounterMode",))
    assert "fvcore traces at most 4 layers here" in report.render()


def test_joins_of_many_inputs_and_several_outputs() -> None:
    text = (
        "input: [4, 8, 8]\nlayers:\n- {name: a, type: conv2d, out_channels: 4, kernel_size: 1}\n"
        "- {name: b, type: relu}\n- {name: c, type: add, with: [a, b]}\n- {type: multiply, with: [a, b, c]}\n"
        "- {name: d, type: concat, with: [a]}\noutputs: [c, d]"
    )
    report = verify(loads(text))
    assert report.ok, report.render()


def lie(monkeypatch: pytest.MonkeyPatch, cls: type, method: str, value: Any) -> str:
    def wrong(_self: object, _inputs: tuple[Shape, ...], *_output: Shape) -> Any:
        return value

    monkeypatch.setattr(cls, method, wrong)
    text = "input: [3, 8, 8]\nlayers: [{type: conv2d, out_channels: 4, kernel_size: 3, norm: batch_norm2d}]"
    report = verify(loads(text))
    assert not report.ok
    return report.render()


def test_wrong_macs_are_found_by_both_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    text = lie(monkeypatch, Conv2d, "cost", Cost(macs=7))
    assert "conv: MACs 7, but FlopCounterMode finds 3,888" in text
    assert "total: MACs 7, but fvcore finds 3,888" in text


def test_wrong_tensors_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    text = lie(monkeypatch, BatchNorm2d, "tensors", ())
    assert "bn: params 0, but its module finds 8" in text
    assert "bn: buffers 0, but its module finds 9" in text
    assert "total: bytes of buffers 0, but the model finds 40" in text


def test_a_wrong_shape_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "conv: output 1x4x5x5, but running it finds 1x4x6x6" in lie(monkeypatch, Conv2d, "out_shape", (4, 5, 5))


OFFSETS_FROM_NOTHING = """
input: [3, 32, 32]
layers:
  - {name: a, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: divide, with: [a]}
  - {type: deform_conv2d, out_channels: 8, kernel_size: 3, padding: 1}
"""
"""With zeros for weights, zero by zero: no number, at which torchvision's kernel would read what is not there."""


@pytest.mark.parametrize("memory", [False, True])
def test_offsets_that_are_no_numbers_reach_no_kernel(monkeypatch: pytest.MonkeyPatch, memory: bool) -> None:  # noqa: FBT001
    """Where one does, the process may end: what the kernel would get is looked at before."""
    run: Callable[..., Tensor] = DeformConv2d.forward
    finite: list[bool] = []

    def watched(self: DeformConv2d, value: Tensor, offset: Tensor, mask: Tensor | None = None) -> Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TracerWarning)  # fvcore traces, and what is looked at is no part of it
            finite.append(bool(np.isfinite(offset.detach().numpy()).all()))
        assert finite[-1]
        return run(self, value, offset, mask)

    monkeypatch.setattr(DeformConv2d, "forward", watched)
    network = loads(OFFSETS_FROM_NOTHING)
    if memory:
        found = verify_memory(network, Conditions(1))
        assert found.ok, found.render()
        assert len(finite) == 1 + len(OPTIMIZERS)
    else:
        report = verify(network)
        assert report.ok, report.render()
        assert len(finite) == len(report.counters)
