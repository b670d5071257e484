"""HRNet's classifier in plain PyTorch (Wang et al. 2020): the truth of the preset's tests."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def conv_norm(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, *, bias: bool = False) -> nn.Sequential:
    """A convolution that keeps the size but for its stride, and its batch norm."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))


def conv_relu(inputs: int, outputs: int, stride: int, *, bias: bool = False) -> nn.Sequential:
    """3x3 with its batch norm, rectified."""
    return conv_norm(inputs, outputs, 3, stride, bias=bias).append(nn.ReLU())


class Unit(nn.Module):
    """ResNet's basic unit, or its bottleneck where the outputs are four times the width."""

    def __init__(self, inputs: int, width: int, outputs: int) -> None:
        super().__init__()
        if outputs == width:
            body = [conv_norm(inputs, width), nn.ReLU(), conv_norm(width, width)]
        else:
            body = [conv_norm(inputs, width, 1), nn.ReLU(), conv_norm(width, width), nn.ReLU()]
            body.append(conv_norm(width, outputs, 1))
        self.body = nn.Sequential(*body)
        self.shortcut = conv_norm(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class Exchange(nn.Module):
    """Four units at each resolution, then to each resolution the sum of all (figure 3 of the paper)."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*(Unit(w, w, w) for _ in range(4))) for w in widths)
        rows = []
        for to, outputs in enumerate(widths):
            rows.append(nn.ModuleList(self._resize(widths[at], outputs, to - at) for at in range(len(widths))))
        self.fuse = nn.ModuleList(rows)

    def _resize(self, inputs: int, outputs: int, steps: int) -> nn.Module:
        if steps == 0:
            return nn.Identity()
        if steps < 0:
            return conv_norm(inputs, outputs, 1).append(nn.Upsample(scale_factor=2**-steps, mode="nearest"))
        halvings = [conv_relu(inputs, inputs, 2) for _ in range(steps - 1)]
        return nn.Sequential(*halvings, conv_norm(inputs, outputs, 3, 2))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        maps = [branch(x) for branch, x in zip(self.branches, maps, strict=True)]
        results = []
        for row in self.fuse:
            assert isinstance(row, nn.ModuleList)
            total, *others = (resize(x) for resize, x in zip(row, maps, strict=True))
            for other in others:
                total = total + other
            results.append(torch.relu(total))
        return results


class HRNet(nn.Module):
    """Figure 2 of the paper and the head of its figure 4 (c), with `width` channels at the highest resolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width]
        self.stem = nn.Sequential(conv_relu(3, 64, 2), conv_relu(64, 64, 2))
        self.layer1 = nn.Sequential(Unit(64, 64, 256), *(Unit(256, 64, 256) for _ in range(3)))
        self.first = conv_relu(256, width, 1)
        self.second = conv_relu(256, 2 * width, 2)
        self.stage2 = Exchange(widths[:2])
        self.third = conv_relu(2 * width, 4 * width, 2)
        self.stage3 = nn.Sequential(*(Exchange(widths[:3]) for _ in range(4)))
        self.fourth = conv_relu(4 * width, 8 * width, 2)
        self.stage4 = nn.Sequential(*(Exchange(widths) for _ in range(3)))
        self.incre = nn.ModuleList(Unit(w, 32 * 2**at, 128 * 2**at) for at, w in enumerate(widths))
        self.down = nn.ModuleList(conv_relu(w, 2 * w, 2, bias=True) for w in (128, 256, 512))
        self.final = conv_norm(1024, 2048, 1, bias=True)
        self.classifier = nn.Linear(2048, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer1(self.stem(x))
        maps = self.stage2([self.first(x), self.second(x)])
        maps = self.stage3([*maps, self.third(maps[-1])])
        maps = self.stage4([*maps, self.fourth(maps[-1])])
        x, *others = (incre(y) for incre, y in zip(self.incre, maps, strict=True))
        for down, other in zip(self.down, others, strict=True):
            x = down(x) + other
        x = torch.relu(self.final(x))
        scores: Tensor = self.classifier(x.mean((2, 3)))
        return scores
