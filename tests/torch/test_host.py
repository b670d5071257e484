"""What this machine cannot hold or do is a problem at its place, and no traceback of PyTorch."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from archlab.api.load import load, loads
from archlab.diagnostics.problem import ConfigError
from archlab.torch import host
from archlab.torch.build import build
from archlab.torch.verify import verify

WIDE = """input: [3, 8, 8]
layers:
  - {type: conv2d, out_channels: 3000000, kernel_size: 1}
  - {type: conv2d, out_channels: 3000000, kernel_size: 1}
"""


def test_weights_that_no_memory_holds() -> None:
    """36 TB of them: PyTorch itself raises a RuntimeError, or the system ends the process."""
    with pytest.raises(ConfigError, match=r"take 36,00\d,[0-9,]+ bytes, the most of them those of 'conv2'") as caught:
        build(loads(WIDE))
    place = caught.value.problems[0].place
    assert place is not None
    assert place.line == 3
    assert isinstance(build(loads(WIDE), device="meta"), torch.nn.Module)


def test_the_bytes_are_those_of_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    network = load("resnet18")
    state = build(network).state_dict().values()
    floats = sum(tensor.numel() for tensor in state) * 4
    monkeypatch.setattr(host, "physical_memory", lambda: floats)
    build(network)
    monkeypatch.setattr(host, "physical_memory", lambda: floats - 1)
    with pytest.raises(ConfigError, match=f"take {floats:,} bytes"):
        build(network)


def test_a_forward_pass_that_takes_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    network = load("squeezenet1_1")
    analysis = network.analyze()
    monkeypatch.setattr(host, "MOST_MACS", analysis.total.macs)
    monkeypatch.setattr(host, "physical_memory", lambda: analysis.total.memory.inference_peak)
    assert verify(network).ok
    monkeypatch.setattr(host, "MOST_MACS", analysis.total.macs - 1)
    with pytest.raises(ConfigError, match="multiply-accumulates; on a processor at most"):
        verify(network)
    assert verify(network, device="meta").ok
    monkeypatch.setattr(host, "physical_memory", lambda: analysis.total.memory.inference_peak - 1)
    with pytest.raises(ConfigError, match="the weights and values of a forward pass take"):
        verify(network)


def test_a_system_that_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sysconf", raising=False)
    assert host.physical_memory() is None
    host.require_memory(2**80, "the weights")
