"""Networks that give a value for every position, written from their papers: what presets are compared with."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm


class UNet3dLevel(nn.Module):
    """One level of Cicek et al. 2016, "3D U-Net", with all below it; without padding the skip is cropped."""

    def __init__(self, level: int, inputs: int, width: int, padding: int) -> None:
        super().__init__()
        self.down = nn.Sequential(*_conv(inputs, width, padding), *_conv(width, 2 * width, padding))
        self.inner: UNet3dLevel | None = None
        if level > 1:
            self.inner = UNet3dLevel(level - 1, 2 * width, 2 * width, padding)
            self.up = nn.ConvTranspose3d(4 * width, 4 * width, 2, 2)
            self.end = nn.Sequential(*_conv(6 * width, 2 * width, padding), *_conv(2 * width, 2 * width, padding))

    def forward(self, x: Tensor) -> Any:
        skip = self.down(x)
        if self.inner is None:
            return skip
        up = self.up(self.inner(nn.functional.max_pool3d(skip, 2)))
        crop = [(whole - kept) // 2 for whole, kept in zip(skip.shape[2:], up.shape[2:], strict=True)]
        for dim, cut in enumerate(crop, 2):
            skip = skip.narrow(dim, cut, up.shape[dim])
        return self.end(torch.cat([skip, up], 1))


def _conv(inputs: int, outputs: int, padding: int) -> list[nn.Module]:
    return [nn.Conv3d(inputs, outputs, 3, padding=padding, bias=False), nn.BatchNorm3d(outputs), nn.ReLU()]


def unet3d(padding: int, width: int = 32) -> nn.Module:
    """Figure 2 of the paper, with three classes."""
    return nn.Sequential(UNet3dLevel(4, 3, width, padding), nn.Conv3d(2 * width, 3, 1))


class WaveNetUnit(nn.Module):
    """Figure 4 of van den Oord et al. 2016, "WaveNet"; the last unit's residual leads nowhere."""

    def __init__(self, dilation: int, *, last: bool) -> None:
        super().__init__()
        self.filter = nn.Conv1d(32, 32, 2, dilation=dilation)
        self.gate = nn.Conv1d(32, 32, 2, dilation=dilation)
        self.dense = None if last else nn.Conv1d(32, 32, 1)
        self.skip = nn.Conv1d(32, 512, 1)
        self.dilation = dilation

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        past = nn.functional.pad(x, (self.dilation, 0))
        gated = torch.tanh(self.filter(past)) * torch.sigmoid(self.gate(past))
        return x if self.dense is None else self.dense(gated) + x, self.skip(gated)


class WaveNet(nn.Module):
    """With the sizes of tensorflow-wavenet's `wavenet_params.json`."""

    def __init__(self) -> None:
        super().__init__()
        self.causal = nn.Conv1d(256, 32, 2)
        self.units = nn.ModuleList([WaveNetUnit(2 ** (unit % 10), last=unit == 49) for unit in range(50)])
        self.end = nn.Sequential(nn.ReLU(), nn.Conv1d(512, 512, 1), nn.ReLU(), nn.Conv1d(512, 256, 1))

    def forward(self, x: Tensor) -> Any:
        x = self.causal(nn.functional.pad(x, (1, 0)))
        total = torch.zeros(())
        for number, unit in enumerate(self.units):
            x, skip = unit(x)
            total = skip if number == 0 else total + skip
        return self.end(total)


class PoseUnit(nn.Module):
    """The residual module of Newell et al. 2016, "Stacked Hourglass Networks", norms first."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        inner = outputs // 2
        self.body = nn.Sequential(
            *(nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, inner, 1)),
            *(nn.BatchNorm2d(inner), nn.ReLU(), nn.Conv2d(inner, inner, 3, padding=1)),
            *(nn.BatchNorm2d(inner), nn.ReLU(), nn.Conv2d(inner, outputs, 1)),
        )
        self.skip_layer = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Any:
        return self.body(x) + self.skip_layer(x)


class Hourglass(nn.Module):
    """Figure 3 of the paper."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self.up = PoseUnit(256, 256)
        inner = Hourglass(level - 1) if level > 1 else PoseUnit(256, 256)
        self.low = nn.Sequential(PoseUnit(256, 256), inner, PoseUnit(256, 256))

    def forward(self, x: Tensor) -> Any:
        low = self.low(nn.functional.max_pool2d(x, 2))
        return self.up(x) + nn.functional.interpolate(low, scale_factor=2)


class PoseNet(nn.Module):
    """Stacks of them, each with maps of the 16 joints; the last gives nothing on."""

    def __init__(self, stacks: int) -> None:
        super().__init__()
        stem = [nn.Conv2d(3, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU()]
        self.stem = nn.Sequential(*stem, PoseUnit(64, 128), nn.MaxPool2d(2), PoseUnit(128, 128), PoseUnit(128, 256))
        self.stacks = nn.ModuleList([PoseStack(last=stack == stacks - 1) for stack in range(stacks)])

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        results: list[Tensor] = []
        for stack in self.stacks:
            x, maps = stack(x)
            results.append(maps)
        return results


class PoseStack(nn.Module):
    """Figure 4 of the paper."""

    def __init__(self, *, last: bool) -> None:
        super().__init__()
        features = [nn.Conv2d(256, 256, 1), nn.BatchNorm2d(256), nn.ReLU()]
        self.layers = nn.Sequential(Hourglass(4), PoseUnit(256, 256), *features)
        self.maps = nn.Conv2d(256, 16, 1)
        self.merge = nn.ModuleList([] if last else [nn.Conv2d(16, 256, 1), nn.Conv2d(256, 256, 1)])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.layers(x)
        maps = self.maps(features)
        if not self.merge:
            return x, maps
        return x + self.merge[0](maps) + self.merge[1](features), maps


class TCNUnit(nn.Module):
    """Figure 1 (b) of Bai et al. 2018, "Generic Convolutional and Recurrent Networks for Sequence Modeling"."""

    def __init__(self, inputs: int, dilation: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList([weight_norm(nn.Conv1d(width, 25, 7, dilation=dilation)) for width in (inputs, 25)])
        self.downsample = nn.Identity() if inputs == 25 else nn.Conv1d(inputs, 25, 1)
        self.past = 6 * dilation

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for conv in self.convs:
            y = conv(nn.functional.pad(y, (self.past, 0))).relu()
        return torch.relu(y + self.downsample(x))


class TCN(nn.Module):
    """Its network for sequential MNIST."""

    def __init__(self) -> None:
        super().__init__()
        self.units = nn.Sequential(*(TCNUnit(25 if level else 1, 2**level) for level in range(8)))
        self.linear = nn.Linear(25, 10)

    def forward(self, x: Tensor) -> Any:
        return self.linear(self.units(x)[:, :, -1])
