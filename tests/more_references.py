"""Networks that torchvision does not publish, in plain PyTorch from their papers: the truth of their presets' tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torchvision.ops import SqueezeExcitation


def conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution that keeps the size but for its stride, and its batch norm."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs)]


def classifier(features: int) -> list[nn.Module]:
    """The mean of each channel, and scores of 1000 classes."""
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, 1000)]


class Residual(nn.Module):
    """A body, and what goes around it, added and rectified (He et al. 2016, "Deep Residual Learning")."""

    def __init__(self, body: list[nn.Module], inputs: int, outputs: int, stride: int, kernel: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(*body)
        projected = stride > 1 or inputs != outputs
        self.shortcut = nn.Sequential(*(conv_norm(inputs, outputs, kernel, stride) if projected else []))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


def resnet(make_body: Callable[[int, int, int], list[nn.Module]], depths: tuple[int, int, int, int]) -> nn.Module:
    """ResNet with other bodies, each made from its input channels, its width (a fourth of its output) and stride."""
    layers = [*conv_norm(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, depth in enumerate(depths):
        width = 64 * 2**stage
        for block in range(depth):
            stride = 2 if stage > 0 and block == 0 else 1
            layers.append(Residual(make_body(inputs, width, stride), inputs, 4 * width, stride))
            inputs = 4 * width
    return nn.Sequential(*layers, *classifier(inputs))


class ShuffleUnit(nn.Module):
    """Figure 2 of Zhang et al. 2018, "ShuffleNet": (b), or (c) with a stride."""

    def __init__(self, inputs: int, outputs: int, stride: int, groups: int, *, first: bool) -> None:
        super().__init__()
        inner, made = outputs // 4, outputs - inputs if stride == 2 else outputs
        self.stride = stride
        self.groups = groups
        self.reduce = nn.Sequential(*conv_norm(inputs, inner, 1, groups=1 if first else groups), nn.ReLU())
        self.depthwise = nn.Sequential(*conv_norm(inner, inner, 3, stride, inner))
        self.expand = nn.Sequential(*conv_norm(inner, made, 1, groups=groups))

    def shuffle(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        grouped = x.reshape(batch, self.groups, channels // self.groups, height, width)
        return grouped.transpose(1, 2).reshape(x.shape)

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(self.depthwise(self.shuffle(self.reduce(x))))
        if self.stride == 1:
            return torch.relu(x + y)
        return torch.relu(torch.cat([nn.functional.avg_pool2d(x, 3, 2, 1), y], 1))


def shufflenet_v1(groups: int, width: int) -> nn.Module:
    """Table 1 of Zhang et al. 2018, "ShuffleNet"."""
    layers = [*conv_norm(3, 24, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    inputs = 24
    for outputs, units in ((width, 4), (2 * width, 8), (4 * width, 4)):
        for unit in range(units):
            layers.append(ShuffleUnit(inputs, outputs, 2 if unit == 0 else 1, groups, first=inputs == 24))
            inputs = outputs
    return nn.Sequential(*layers, *classifier(inputs))


def se_bottleneck(inputs: int, width: int, stride: int) -> list[nn.Module]:
    """The bottleneck of SE-ResNet (Hu et al. 2018, "Squeeze-and-Excitation Networks")."""
    return [
        *(*conv_norm(inputs, width, 1), nn.ReLU()),
        *(*conv_norm(width, width, 3, stride), nn.ReLU()),
        *conv_norm(width, 4 * width, 1),
        SqueezeExcitation(4 * width, 4 * width // 16),
    ]


def senet154() -> nn.Module:
    """SENet-154, in the appendix of Hu et al. 2018, "Squeeze-and-Excitation Networks"."""
    layers = [*conv_norm(3, 64, 3, 2), nn.ReLU(), *conv_norm(64, 64, 3), nn.ReLU(), *conv_norm(64, 128, 3), nn.ReLU()]
    layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
    inputs = 128
    for stage, depth in enumerate((3, 8, 36, 3)):
        inner, outputs = 128 * 2**stage, 256 * 2**stage
        for block in range(depth):
            stride = 2 if stage > 0 and block == 0 else 1
            body = [
                *(*conv_norm(inputs, inner, 1), nn.ReLU()),
                *(*conv_norm(inner, outputs, 3, stride, groups=64), nn.ReLU()),
                *conv_norm(outputs, outputs, 1),
                SqueezeExcitation(outputs, outputs // 16),
            ]
            layers.append(Residual(body, inputs, outputs, stride, kernel=2 * stride - 1))
            inputs = outputs
    average, flatten, linear = classifier(inputs)
    return nn.Sequential(*layers, average, flatten, nn.Dropout(0.2), linear)


class Splits(nn.Module):
    """Figure 2 (b) of Gao et al. 2019, "Res2Net", between the 1x1 convolutions; `separate` starts a stage."""

    def __init__(self, width: int, stride: int, *, separate: bool) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList([nn.Sequential(*conv_norm(width, width, 3, stride)) for _ in range(3)])
        self.pool = nn.AvgPool2d(3, stride, 1) if separate else nn.Identity()
        self.separate = separate

    def forward(self, x: Tensor) -> Tensor:
        *splits, last = x.chunk(4, 1)
        results: list[Tensor] = []
        for split, convolution in zip(splits, self.convolutions, strict=True):
            seen = split if self.separate or not results else split + results[-1]
            results.append(torch.relu(convolution(seen)))
        return torch.cat([*results, self.pool(last)], 1)


def bottle2neck(inputs: int, width: int, stride: int) -> list[nn.Module]:
    """The bottleneck of Res2Net-50 26w x 4s (Gao et al. 2019, "Res2Net")."""
    split = width * 26 // 64
    return [
        *(*conv_norm(inputs, 4 * split, 1), nn.ReLU()),
        Splits(split, stride, separate=inputs != 4 * width),
        *conv_norm(4 * split, 4 * width, 1),
    ]


MORE_REFERENCES: dict[str, Callable[[], nn.Module]] = {
    "shufflenet_v1_g1": partial(shufflenet_v1, 1, 144),
    "shufflenet_v1_g2": partial(shufflenet_v1, 2, 200),
    "shufflenet_v1_g3": partial(shufflenet_v1, 3, 240),
    "shufflenet_v1_g4": partial(shufflenet_v1, 4, 272),
    "shufflenet_v1_g8": partial(shufflenet_v1, 8, 384),
    "se_resnet50": partial(resnet, se_bottleneck, (3, 4, 6, 3)),
    "se_resnet101": partial(resnet, se_bottleneck, (3, 4, 23, 3)),
    "se_resnet152": partial(resnet, se_bottleneck, (3, 8, 36, 3)),
    "senet154": senet154,
    "res2net50_26w_4s": partial(resnet, bottle2neck, (3, 4, 6, 3)),
}
"""Every family and variant, and the PyTorch model that it describes."""

MORE_DEFAULTS = {"shufflenet_v1": "shufflenet_v1_g3", "se_resnet": "se_resnet50", "res2net": "res2net50_26w_4s"}
"""Families whose own name means one of the variants."""
MORE_REFERENCES |= {family: MORE_REFERENCES[name] for family, name in MORE_DEFAULTS.items()}
