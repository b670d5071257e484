"""`verify` finds every layer of every preset equal, and finds what is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archlab.api.load import loads
from archlab.api.network import Network
from archlab.layers.base import Cost
from archlab.layers.batch_norm import BatchNorm2d
from archlab.layers.conv import Conv2d
from archlab.layers.shape import Shape
from archlab.torch import verify as verifying
from archlab.torch.verify import verify
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
    report = verify(presets.network(name), batch=2)
    assert report.ok, report.render()
    report = verify(presets.network(name), batch=3, device="meta")
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


def test_offsets_that_are_no_numbers_end_no_process(tmp_path: Path) -> None:
    """Neither of values nor of memory, one after the other in a process of their own."""
    path = tmp_path / "net.yaml"
    path.write_text(OFFSETS_FROM_NOTHING)
    code = "import sys; from archlab.cli.main import main; "
    code += "print('returned', main(['verify', sys.argv[1]]), main(['verify', sys.argv[1], '--memory']))"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("ok") >= 2
    assert done.stdout.endswith("returned 0 0\n")
