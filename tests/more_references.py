"""Networks that torchvision does not publish, in plain PyTorch from their papers: the truth of their presets' tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torchvision.ops import SqueezeExcitation

from tests.hrnet_reference import HRNet


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
    """The bottleneck of Res2Net 26w x 4s (Gao et al. 2019, "Res2Net")."""
    split = width * 26 // 64
    return [
        *(*conv_norm(inputs, 4 * split, 1), nn.ReLU()),
        Splits(split, stride, separate=inputs != 4 * width),
        *conv_norm(4 * split, 4 * width, 1),
    ]


def separable(inputs: int, outputs: int) -> list[nn.Module]:
    """Xception's separable convolution: 3x3 on each channel, 1x1 across them, and one batch norm as Keras has it."""
    depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
    return [depthwise, nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs, eps=0.001, momentum=0.01)]


class SameMaxPool(nn.Module):
    """3x3 at stride 2, padded as TensorFlow's SAME: an even size at its end only."""

    def forward(self, x: Tensor) -> Tensor:
        before, after = (0, 1) if x.shape[-1] % 2 == 0 else (1, 1)
        padded = nn.functional.pad(x, (before, after, before, after), value=-torch.inf)
        return nn.functional.max_pool2d(padded, 3, 2)


class XceptionModule(nn.Module):
    """One of the modules in figure 5 of Chollet 2017; the entry and exit flows' halve the map."""

    def __init__(self, inputs: int, widths: list[int], *, halves: bool, relu: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        outputs = inputs
        for width in widths:
            layers += [nn.ReLU()] if relu or layers else []
            layers += separable(outputs, width)
            outputs = width
        self.body = nn.Sequential(*layers, SameMaxPool() if halves else nn.Identity())
        self.shortcut = nn.Sequential()
        if halves:
            self.shortcut.append(nn.Conv2d(inputs, outputs, 1, 2, bias=False))
            self.shortcut.append(nn.BatchNorm2d(outputs, eps=0.001, momentum=0.01))

    def forward(self, x: Tensor) -> Tensor:
        return torch.add(self.body(x), self.shortcut(x))


def xception() -> nn.Module:
    """Figure 5 of Chollet 2017, "Xception", with the paddings of Keras."""
    return nn.Sequential(
        *(nn.Conv2d(3, 32, 3, 2, bias=False), nn.BatchNorm2d(32, eps=0.001, momentum=0.01), nn.ReLU()),
        *(nn.Conv2d(32, 64, 3, bias=False), nn.BatchNorm2d(64, eps=0.001, momentum=0.01), nn.ReLU()),
        XceptionModule(64, [128, 128], halves=True, relu=False),
        XceptionModule(128, [256, 256], halves=True),
        XceptionModule(256, [728, 728], halves=True),
        *(XceptionModule(728, [728, 728, 728], halves=False) for _ in range(8)),
        XceptionModule(728, [728, 1024], halves=True),
        *(*separable(1024, 1536), nn.ReLU(), *separable(1536, 2048), nn.ReLU()),
        *classifier(2048),
    )


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
    "res2net101_26w_4s": partial(resnet, bottle2neck, (3, 4, 23, 3)),
    "xception": xception,
    **{f"hrnet_w{width}": partial(HRNet, width) for width in (18, 30, 32, 40, 44, 48, 64)},
}
"""Every family and variant, and the PyTorch model that it describes."""

MORE_DEFAULTS = {
    "shufflenet_v1": "shufflenet_v1_g3",
    "se_resnet": "se_resnet50",
    "res2net": "res2net50_26w_4s",
    "hrnet": "hrnet_w18",
}
"""Families whose own name means one of the variants."""
MORE_REFERENCES |= {family: MORE_REFERENCES[name] for family, name in MORE_DEFAULTS.items()}
