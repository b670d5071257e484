"""Opaque layers that are functions, what their dimensions hold, and those of which the arguments are not known."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from archlab.api.load import loads
from archlab.diagnostics.problem import ConfigError
from archlab.torch.build import build
from archlab.torch.source import to_source
from archlab.torch.verify import verify

FUNCTIONS = """
input: [3, 8, 8]
layers:
  - {name: conv, type: conv2d, out_channels: 4, kernel_size: 1}
  - {name: order, type: torch.permute, args: {dims: [0, 2, 3, 1]}, output: [8, 8, 4], layout: channels_last}
  - {name: norm, type: layer_norm}
  - {name: roll, type: torch.roll, args: {shifts: [1, 1], dims: [1, 2]}, output: same}
  - {name: top, type: torch.topk, args: {k: 2, dim: -1}, output: [8, 8, 2], result: 0}
  - {name: fc, type: linear, out_features: 7}
"""


def _by_hand(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    conv, norm, fc = [model.get_submodule(name) for name in ("conv", "norm", "fc")]
    x = torch.roll(norm(conv(x).permute(0, 2, 3, 1)), (1, 1), (1, 2))
    result: torch.Tensor = fc(torch.topk(x, 2, dim=-1)[0])
    return result


def test_functions_are_called() -> None:
    network = loads(f"name: string\n{FUNCTIONS}")
    assert verify(network).ok
    model = build(network).eval()
    assert list(model.state_dict()) == ["conv.weight", "conv.bias", "norm.weight", "norm.bias", "fc.weight", "fc.bias"]
    sample = torch.rand(2, 3, 8, 8)
    with torch.no_grad():
        expected = _by_hand(model, sample)
        assert torch.equal(model(sample), expected)
        names: dict[str, Any] = {"__name__": "source"}
        exec(compile(to_source(network.graph), "source.py", "exec"), names)  # noqa: S102 - what archlab wrote
        written = names["String"]().eval()
        written.load_state_dict(model.state_dict())
        assert torch.equal(written(sample), expected)


@pytest.mark.parametrize(
    ("layout", "output", "roles"),
    [
        ("channels_first", "[8, 4, 4]", ((), (0,), (1,))),
        ("channels_last", "[4, 4, 8]", ((0,), (1,), ())),
        ("tokens", "[65, 8]", ((0, 1), ())),
        ("features", "[5, 6, 7]", ((), (), ())),
    ],
)
def test_dimensions_hold_what_is_declared(layout: str, output: str, roles: tuple[tuple[int, ...], ...]) -> None:
    text = f"input: [3, 8, 8]\nlayers:\n  - {{type: my.Block, output: {output}, layout: {layout}}}\n"
    shape = loads(text).graph.nodes[-1].shape
    assert getattr(shape, "roles", ((), (0,), (1,))) == roles
    assert getattr(shape, "extra", 0) == (layout == "tokens")


def test_a_class_of_pytorchs_is_opaque_where_its_output_is_declared() -> None:
    item = "{type: torch.nn.Conv2d, args: {in_channels: 3, out_channels: 8, kernel_size: 1}, output: [8, 4, 4]}"
    network = loads(f"input: [3, 4, 4]\nlayers:\n  - {item}\n")
    assert network.graph.layers[0].layer.role == "opaque"
    assert build(network)(torch.rand(1, 3, 4, 4)).shape == (1, 8, 4, 4)


REFUSED = {
    "type: my.Block, args: unknown": "my.Block cannot be built: the arguments of its class are not known",
    "type: torch.roll, args: unknown": "torch.roll cannot be built: the arguments behind its inputs are not known",
    "type: torch.save, args: {f: x}": "torch.save is no function on tensors, and no other is called",
    "type: torch.Tensor.__repr__": "torch.Tensor.__repr__ is no function on tensors",
    "type: torch.nothing": "torch has no 'nothing'",
}


@pytest.mark.parametrize("item", REFUSED)
def test_what_cannot_be_called_is_told(item: str) -> None:
    network = loads(f"input: [3, 4, 4]\nlayers:\n  - {{name: own, {item}, output: same}}\n")
    network.analyze()
    with pytest.raises(ConfigError) as caught:
        build(network)
    assert REFUSED[item] in caught.value.problems[0].message
    assert caught.value.problems[0].place is not None
    if "unknown" in item:
        with pytest.raises(ConfigError, match="cannot be built"):
            to_source(network.graph)
