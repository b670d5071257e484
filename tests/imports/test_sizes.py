"""What of an imported network belongs to a size: told, or made a factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as PyTorch's users write it

from archlab.api.imported import network_of
from archlab.imports.flat import Flat
from archlab.imports.sizes import other_inputs, with_sizes
from archlab.torch.importing.flatten import flatten

Function = Callable[[Tensor], Tensor]


class Model(nn.Module):
    """A convolution, and a function of what it gives."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.conv, self.function = nn.Conv2d(3, 4, 3, stride=2, padding=1), function

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.function(self.conv(x))
        return result


def _read(function: Function, *shape: int) -> Flat:
    return flatten(Model(function), {"input": shape}, name="model", origin="here")


def _followed(function: Function) -> Flat:
    flat = _read(function, 3, 32, 48)
    (inputs,) = other_inputs(flat.inputs)
    assert inputs == {"input": (3, 64, 112)}
    return with_sizes(flat, _read(function, *inputs["input"]))


def test_of_several_inputs_all_are_larger_or_the_first_alone() -> None:
    assert other_inputs({"image": (3, 32, 48), "text": (5, 16)}) == [
        {"image": (3, 64, 112), "text": (5, 48)},
        {"image": (3, 64, 112), "text": (5, 16)},
    ]
    assert other_inputs({"image": (3, 32, 48), "features": (16,)}) == [{"image": (3, 64, 112), "features": (16,)}]
    assert other_inputs({"features": (16,)}) == []


def test_a_whole_multiple_of_what_enters_is_a_factor() -> None:
    def twice(x: Tensor) -> Tensor:
        return F.interpolate(x, size=(x.shape[2] * 2, x.shape[3] * 2))

    flat = _followed(twice)
    assert not flat.remarks
    (item,) = [item for item in flat.items if item.type in ("upsample", "interpolate")]
    assert item.options["scale_factor"] == (2, 2)
    assert "size" not in item.options
    network = network_of(flat)
    assert network.graph.nodes[-1].shape == (4, 32, 48)
    sample = torch.rand(1, 3, 32, 48)
    assert torch.equal(twice(sample), F.interpolate(sample, scale_factor=2))


def test_what_is_fixed_at_a_size_is_the_same_at_all() -> None:
    flat = _followed(lambda x: F.interpolate(x, size=(20, 20)))
    assert not flat.remarks
    assert any(item.options.get("size") for item in flat.items)


def test_what_belongs_to_a_size_is_told() -> None:
    flat = _followed(lambda x: F.interpolate(x, size=(x.shape[2] + 1, x.shape[3])))
    assert [*flat.remarks] == ["1 layer (upsample) has sizes of 3x32x48 alone"]


def test_other_layers_at_another_size_are_told() -> None:
    def padded(x: Tensor) -> Any:
        return F.pad(x, (0, 0, 0, -x.shape[2] % 32))

    flat = _followed(padded)
    assert "other layers" not in " ".join(_followed(lambda x: x).remarks)
    assert flat.remarks
    assert "3x32x48" in flat.remarks[0]
