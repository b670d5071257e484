"""Splits, paths with keys of their own, all repetitions of an item, and arguments of the last one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.mechanisms.equality import assert_equal


class InceptionMixer(nn.Module):
    """timm's InceptionDWConv2d, and a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.square = nn.Conv2d(2, 2, 3, padding=1, groups=2)
        self.wide = nn.Conv2d(2, 2, (1, 11), padding=(0, 5), groups=2)
        self.high = nn.Conv2d(2, 2, (11, 1), padding=(5, 0), groups=2)
        self.last = nn.Conv2d(16, 8, 1)

    def forward(self, x: Tensor) -> Any:
        kept, square, wide, high = torch.split(x, [10, 2, 2, 2], 1)
        return self.last(torch.cat([kept, self.square(square), self.wide(wide), self.high(high)], 1))


class Pyramid(nn.Module):
    """Convolutions at several rates beside one another, and what they gave once more."""

    def __init__(self) -> None:
        super().__init__()
        self.plain = nn.Conv2d(6, 4, 1)
        self.rates = nn.ModuleList([nn.Conv2d(6, 4, 3, padding=rate, dilation=rate) for rate in (2, 4, 6)])
        self.pool = nn.MaxPool2d(3, 1, 1)
        self.last = nn.Conv2d(22, 4, 1)

    def forward(self, x: Tensor) -> Any:
        rates, pool = [rate(x) for rate in self.rates], self.pool(x)
        return torch.cat([self.last(torch.cat([self.plain(x), *rates, pool], 1)).relu(), *rates, pool], 1)


class OneShot(nn.Module):
    """A chain of convolutions, all of which are read together."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.chain = nn.ModuleList([nn.Conv2d(width, 4, 3, padding=1) for width in (8, 4, 4, 4)])
        self.last = nn.Conv2d(24, 8, 1)

    def forward(self, x: Tensor) -> Any:
        made = [self.stem(x)]
        for layer in self.chain:
            made.append(layer(made[-1]).relu())
        return self.last(torch.cat(made, 1))


def last_ones() -> nn.Module:
    return nn.Sequential(
        *(
            nn.Conv2d(3, 8, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, 1, 1),
            nn.ReLU(),
        ),
        *(nn.Conv2d(8, 12, 3, 1, 1), nn.Sigmoid(), nn.Conv2d(12, 4, 3, 2, 1), nn.Sigmoid()),
    )


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("split_channels", InceptionMixer()),
        ("paths_repeated", Pyramid()),
        ("repetitions_all", OneShot()),
        ("repetitions_last", last_ones()),
    ],
)
def test_equal_to_a_model_by_hand(name: str, model: nn.Module) -> None:
    assert_equal(name, model)
