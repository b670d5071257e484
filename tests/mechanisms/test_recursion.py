"""Blocks that use themselves until their `when` is false."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.mechanisms.equality import assert_equal


class Hourglass(nn.Module):
    """Newell et al. 2016, one convolution for a residual unit."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.skip = nn.Conv2d(3, 8, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.inner = Hourglass(n - 1) if n > 1 else nn.Identity()
        self.conv = nn.Conv2d(8 if n > 1 else 3, 8, 3, padding=1)
        self.up = nn.Upsample(scale_factor=2)

    def forward(self, x: Tensor) -> Any:
        return self.skip(x) + self.up(self.conv(self.inner(self.pool(x))))


class Fractal(nn.Module):
    """Larsson et al. 2017, without drop-path."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.deep = nn.Sequential(Fractal(n - 1), Fractal(n - 1)) if n > 1 else None

    def forward(self, x: Tensor) -> Any:
        return self.conv(x) if self.deep is None else self.conv(x) + self.deep(x)


class Level(nn.Module):
    """One level of a U-Net, with all below it."""

    def __init__(self, n: int, entering: int, width: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(entering, width, 3, padding=1)
        if n > 1:
            self.inner = Level(n - 1, width, 2 * width)
            self.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.end = nn.Conv2d(2 * width if n > 1 else width, width, 3, padding=1)
        self.n = n

    def forward(self, x: Tensor) -> Any:
        skip = self.down(x).relu()
        if self.n == 1:
            return self.end(skip).relu()
        up = self.up(self.inner(nn.functional.max_pool2d(skip, 2)))
        return self.end(torch.cat([up, skip], 1)).relu()


class Tree(nn.Module):
    """A tree of Yu et al. 2018, its leaves single convolutions."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList([Tree(n - 1), Tree(n - 1)] if n > 1 else [])
        self.root = nn.Conv2d(16, 8, 1) if n > 1 else nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Any:
        if not self.parts:
            return self.root(x).relu()
        left = self.parts[0](x)
        right = self.parts[1](left)
        return self.root(torch.cat([right, left], 1)).relu()


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("recursion_hourglass", Hourglass(4)),
        ("recursion_fractal", Fractal(4)),
        ("recursion_unet", Level(4, 3, 4)),
        ("recursion_dla", Tree(3)),
    ],
)
def test_equal_to_a_model_by_hand(name: str, model: nn.Module) -> None:
    assert_equal(name, model)
