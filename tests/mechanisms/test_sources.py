"""Values that come from no input: learned and fixed constants, sines of positions."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from archlab.analysis.conditions import Conditions
from archlab.api.load import loads
from archlab.torch.modules import SinePositions
from archlab.torch.verify import verify
from archlab.torch.verify_field import verify_receptive_field
from archlab.torch.verify_memory import verify_memory
from archlab.torch.verify_projection import verify_projective_field
from tests.mechanisms.equality import assert_equal
from tests.torch.course import differences


def sines(height: int, width: int, count: int, *, normalize: bool, temperature: float = 10000.0) -> Tensor:
    """Carion et al. 2020, of an image without padding, written as DETR's `PositionEmbeddingSine`."""
    there = torch.ones(1, height, width)
    y, x = there.cumsum(1), there.cumsum(2)
    if normalize:
        y = y / (y[:, -1:, :] + 1e-6) * 2 * math.pi
        x = x / (x[:, :, -1:] + 1e-6) * 2 * math.pi
    waves = temperature ** (2 * (torch.arange(count) // 2) / count)
    x, y = x[..., None] / waves, y[..., None] / waves
    x = torch.stack((x[..., 0::2].sin(), x[..., 1::2].cos()), dim=4).flatten(3)
    y = torch.stack((y[..., 0::2].sin(), y[..., 1::2].cos()), dim=4).flatten(3)
    return torch.cat((y, x), dim=3).permute(0, 3, 1, 2)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("temperature", [10000.0, 20.0])
def test_sines_are_detr_s(normalize: bool, temperature: float) -> None:  # noqa: FBT001
    module = SinePositions([5, 7], 6, normalize=normalize, temperature=temperature)
    found = module(torch.zeros(3, 4, 5, 7))
    wanted = sines(5, 7, 6, normalize=normalize, temperature=temperature)
    assert torch.allclose(found, wanted.expand(3, -1, -1, -1), atol=1e-5)
    assert "positions" not in module.state_dict()


def test_sines_are_rt_detr_s() -> None:
    """Zhao et al. 2024: positions from 0, and all sines of an axis in front of its cosines."""
    rows, columns = torch.meshgrid(torch.arange(5.0), torch.arange(7.0), indexing="ij")
    waves = 10000.0 ** -(torch.arange(3) / 3)
    down, across = (places.flatten()[:, None] * waves for places in (rows, columns))
    wanted = torch.cat([down.sin(), down.cos(), across.sin(), across.cos()], 1).T.reshape(12, 5, 7)
    module = SinePositions([5, 7], 6, start=0, interleave=False)
    assert torch.allclose(module(torch.zeros(1, 4, 5, 7))[0], wanted, atol=1e-5)
    in_turn = SinePositions([5, 7], 6, start=0)(torch.zeros(1, 4, 5, 7))[0]
    assert torch.allclose(in_turn[[0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]], wanted, atol=1e-5)


class Sources(nn.Module):
    """Positions through a learned convolution, factors around 1, a fixed grid beside the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.proj = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(12, 8, 1)
        self.map, self.scaled = nn.Conv2d(8, 8, 3, padding=1), nn.ParameterList([torch.randn(8, 1, 1)])
        self.beside, self.last = nn.Module(), nn.Conv2d(10, 4, 3)
        grid = torch.stack(torch.meshgrid(torch.arange(8.0), torch.arange(12.0), indexing="ij"))
        self.beside.register_buffer("grid", grid)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.map(x + self.proj(sines(8, 12, 6, normalize=True)))
        x = torch.cat([x * (1 + self.scaled[0]), self.beside.get_buffer("grid").expand(x.shape[0], -1, -1, -1)], 1)
        result: Tensor = self.last(x)
        return result


def test_a_network_with_all_of_them() -> None:
    network = assert_equal("sources", Sources())
    field = network.analyze().total.receptive_field
    assert [axis.sizes for axis in field.axes if axis] == [
        [11],
        [11],
    ]  # 3, then twice 3 at a stride of 2: no source widens it
    for report in (verify(network), verify_receptive_field(network), verify_projective_field(network)):
        assert report.ok, report.render()


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("autocast", [None, "bfloat16"])
def test_memory_to_the_byte(batch: int, autocast: str | None) -> None:
    network = loads(
        "input: [3, 8, 8]\nlayers:\n"
        "  - {name: a, type: conv2d, out_channels: 4, kernel_size: 1}\n"
        "  - {type: residual, body: [{type: sine_positions, num_pos_feats: 2}]}\n"
        "  - {type: branches, merge: multiply, paths: [[], [{type: constant, shape: [4, 1, 1], learnable: true}]]}\n"
        "  - {type: branches, merge: concat, paths: [[], [{type: constant, shape: [2, 8, 8]}]]}\n"
        "  - {name: b, type: conv2d, out_channels: 4, kernel_size: 1}\n"
    )
    report = verify_memory(network, Conditions(batch, autocast=autocast))
    assert report.ok, report.render()
    for channels_last in (False, True):
        conditions = Conditions(batch, autocast=autocast, channels_last=channels_last, adds_in_place=False)
        assert not differences(network, conditions, training=True)


def test_beside_tokens_a_constant_is_laid_as_they_are() -> None:
    network = loads(
        "input: [3, 4, 6]\nlayers:\n"
        "  - {name: a, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}\n"
        "  - {type: flatten, start_dim: 2}\n"
        "  - {name: tokens, type: transpose, dim0: 1, dim1: 2}\n"
        "  - {type: constant, shape: [1, 4], learnable: true}\n"
        "  - {name: sum, type: add, stretch: true, with: [tokens]}\n"
        "  - {type: constant, shape: [24, 4]}\n"
        "  - {type: add, with: [sum]}\n"
        "  - {type: unflatten, dim: 1, unflattened_size: [4, 6]}\n"
        "  - {type: channels_first}\n"
        "  - {type: conv2d, out_channels: 2, kernel_size: 3, padding: 1}\n"
    )
    for report in (verify(network), verify_receptive_field(network)):
        assert report.ok, report.render()
    assert [axis.sizes for axis in network.analyze().total.receptive_field.axes if axis] == [[5], [5]]


def coordinates(height: int, width: int) -> Tensor:
    """Swin V2's, as torchvision has them."""
    table = torch.stack(
        torch.meshgrid(torch.arange(1.0 - height, height), torch.arange(1.0 - width, width), indexing="ij"), dim=-1
    )
    table = table / torch.tensor([height - 1, width - 1]) * 8
    return torch.sign(table) * torch.log2(table.abs() + 1.0) / 3.0


class Biased(nn.Module):
    """Attention of a map to itself, with biases that a network makes of relative positions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.fc1, self.fc2 = nn.Conv2d(3, 12, 3, padding=1), nn.Linear(2, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        q = torch.unflatten(self.stem(x).flatten(2), 1, (3, 4)).mT
        rows = self.fc2(self.fc1(coordinates(3, 4).flatten(0, 1)).relu())
        places = torch.cartesian_prod(torch.arange(3), torch.arange(4))
        apart = places[:, None] - places[None, :]
        index = (apart[..., 0] + 2) * 7 + apart[..., 1] + 3
        result: Tensor = (q @ q.mT + rows[index].permute(2, 0, 1)).softmax(-1) @ q
        return result


def test_biases_by_a_network() -> None:
    network = assert_equal("position_network", Biased())
    # 5 x 7 relative positions, of two numbers each; 3 heads of 12 queries and keys, of 4 channels
    assert network.analyze().total.macs == 12 * 12 * 27 + 35 * (2 * 8 + 8 * 3) + 2 * 3 * 12 * 12 * 4
    for batch in (1, 3):
        report = verify_memory(network, Conditions(batch))
        assert report.ok, report.render()


class OfAHead(nn.Module):
    """Attention with the second head's biases of a table of distances (Liu et al. 2023, EfficientViT)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.table = nn.Conv2d(3, 8, 3, padding=1), nn.ParameterList([torch.randn(24)])

    def forward(self, x: Tensor) -> Tensor:
        k = self.stem(x).flatten(2)
        places = torch.cartesian_prod(torch.arange(3), torch.arange(4))
        apart = (places[:, None] - places[None, :]).abs()
        row = self.table[0].unflatten(0, (2, 12))[1, apart[..., 0] * 4 + apart[..., 1]]
        made: Tensor = (k.mT @ k + row).softmax(-1) @ k.mT
        return made


def test_biases_of_one_head() -> None:
    network = assert_equal("head_bias", OfAHead())
    for batch in (1, 3):
        report = verify_memory(network, Conditions(batch))
        assert report.ok, report.render()
