"""Modules of another package, as far as archlab knows."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Plain(nn.Module):
    """A convolution of four channels."""

    def __init__(self, width: int = 1) -> None:
        super().__init__()
        if width > 2:
            raise TypeError("too wide")
        self.inner = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.inner(x)
        return result


class Several(nn.Module):
    """Two values."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x + 1


class Mixed(nn.Module):
    """A weighted sum of two maps."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4, 1, 1))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x * self.weight + y


class Broken(nn.Module):
    """Cannot be made."""

    def __init__(self) -> None:
        super().__init__()
        raise RuntimeError("out of order")


class Fails(nn.Module):
    """Cannot be run."""

    def forward(self, _: Tensor) -> Tensor:
        raise ValueError("never")


def function(x: Tensor) -> Tensor:
    """No class."""
    return x
