"""The networks of `test_elementwise.py` by hand.

The norms and gates are written after their papers and timm's source, in its order of tensors; `test_timm.py` runs
timm itself where it is installed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def conv(entering: int, leaving: int, size: int = 3, **options: Any) -> nn.Conv2d:
    return nn.Conv2d(entering, leaving, size, **{"padding": size // 2, **options})


class Ordered(nn.Module):
    """Its tensors in the order of use, as a config has them, where a module's own stand in front of its parts'."""

    order: tuple[str, ...] = ()

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """By the first word of their names."""
        found = super().state_dict(*args, **kwargs)
        return {key: value for name in self.order for key, value in found.items() if key.partition(".")[0] == name}


class Joins(nn.Module):
    """Differences, quotients, the larger and the smaller."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = conv(3, 8), conv(8, 8)
        self.path, self.body = conv(8, 8, 1), conv(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.a(x)
        b = self.b(a)
        edge = b - a
        most = torch.maximum(torch.maximum(edge, a), b)
        least = torch.minimum(edge, a)
        body: Tensor = self.body(least.sigmoid() - self.path(least))
        gate = (functional.adaptive_avg_pool2d(body, 1).sigmoid() + 1) * 0.5
        return body / gate + most


class Constants(nn.Module):
    """A scaled residual (Szegedy et al. 2017), a shortcut of zeros (He et al. 2016, option A), powers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.first, self.second, self.last = conv(3, 8), conv(8, 8), conv(8, 16, stride=2), conv(16, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + 0.17 * self.first(x)
        x = (self.second(x) + functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 4, 4))).relu()
        result: Tensor = self.last((x * x + 0.5).sqrt())
        return result.abs()


class Exponentials(Ordered):
    """Depths as their logarithms, clamped (YOLO's head for depth); softplus by hand."""

    order = ("conv",)

    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = (self.conv(x).clamp(-4.0, 5.0).exp() + 1).log()
        return result


class Scales(Ordered):
    """Learned factors."""

    order = ("conv", "factors", "shifts", "factor", "gamma")

    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(3, 8, padding=0)
        self.factors, self.shifts = nn.Parameter(torch.rand(8, 1, 1)), nn.Parameter(torch.rand(8, 1, 1))
        self.factor, self.gamma = nn.Parameter(torch.rand(())), nn.Parameter(torch.rand(8))

    def forward(self, x: Tensor) -> Tensor:
        x = (self.conv(x) * self.factors + self.shifts) * self.factor
        return (x.permute(0, 2, 3, 1) * self.gamma).permute(0, 3, 1, 2)


class Fusion(Ordered):
    """Weights of EfficientDet's three kinds."""

    order = ("p3", "p4", "fast", "td", "soft", "plain")

    def __init__(self) -> None:
        super().__init__()
        self.p3, self.p4, self.td = conv(3, 8, stride=2), conv(8, 8, stride=2), conv(8, 8)
        self.fast, self.soft, self.plain = (nn.Parameter(torch.rand(n)) for n in (2, 3, 2))

    def forward(self, x: Tensor) -> Tensor:
        p3 = self.p3(x)
        p4 = self.p4(p3)
        edge = self.fast.relu()
        up = functional.interpolate(p4, scale_factor=2.0)
        fused = (up * edge[0] + p3 * edge[1]) / (edge.sum() + 1e-4)
        down = functional.max_pool2d(self.td(fused), 3, 2, 1)
        soft = self.soft.softmax(0)
        down = (torch.stack([down, p4, p4], -1) * soft).sum(-1)
        result: Tensor = down * self.plain[0] + p4 * self.plain[1]
        return result


class L2Norm(Ordered):
    """Of SSD (Liu et al. 2016), as torchvision has it."""

    order = ("conv", "scale")

    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(3, 8)
        self.scale = nn.Parameter(torch.rand(8, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return functional.normalize(self.conv(x).relu()) * self.scale


class Rms(Ordered):
    """timm's `RmsNorm2d`, and PyTorch's on the last dimension."""

    order = ("conv", "weight", "norm", "last")

    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(3, 8, bias=False)
        self.weight = nn.Parameter(torch.rand(8))
        self.norm, self.last = nn.RMSNorm(8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        x = x * (x.pow(2).mean(1, keepdim=True) + 1e-6).rsqrt() * self.weight.view(1, -1, 1, 1)
        return self.last(self.norm(x.relu().permute(0, 2, 3, 1))).permute(0, 3, 1, 2)


class ResponseNorm(nn.Module):
    """timm's `GlobalResponseNorm`."""

    def __init__(self, channels: int, axes: tuple[int, int], dim: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.rand(channels)), nn.Parameter(torch.rand(channels))
        self.axes, self.dim = axes, dim
        self.sizes = (1, 1, 1, -1) if dim == -1 else (1, -1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        g = x.norm(p=2, dim=self.axes, keepdim=True)
        n = g / (g.mean(dim=self.dim, keepdim=True) + 1e-6)
        return x + torch.addcmul(self.bias.view(self.sizes), self.weight.view(self.sizes), x * n)


class ConvNeXtV2(nn.Module):
    """A block of Woo et al. 2023, and the norm with its channels first."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise, self.norm, self.fc1 = conv(8, 8, 7, groups=8), nn.LayerNorm(8, eps=1e-6), nn.Linear(8, 32)
        self.grn, self.fc2 = ResponseNorm(32, (1, 2), -1), nn.Linear(32, 8)
        self.last = ResponseNorm(8, (2, 3), 1)

    def forward(self, x: Tensor) -> Any:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.fc2(self.grn(functional.gelu(self.fc1(y)))).permute(0, 3, 1, 2)
        return self.last(x + y)


class FilterNorm(nn.Module):
    """Singh & Krishnan 2020."""

    def __init__(self, *, tlu: bool) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.rand(8)), nn.Parameter(torch.rand(8))
        self.tau = nn.Parameter(torch.rand(8)) if tlu else None

    def forward(self, x: Tensor) -> Tensor:
        nu2 = x.square().mean(dim=(2, 3), keepdim=True)
        x = x / (nu2 + 1e-5).sqrt() * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)
        return x if self.tau is None else torch.maximum(x, self.tau.view(1, -1, 1, 1))


class EvoS0(nn.Module):
    """Liu et al. 2020, with a deviation of each group."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.weight, self.bias, self.v = (nn.Parameter(torch.rand(8)) for _ in range(3))
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        grouped = x.reshape(x.shape[0], self.groups, -1, *x.shape[2:])
        deviation = (grouped.var(dim=(2, 3, 4), unbiased=False, keepdim=True) + 1e-5).sqrt()
        deviation = deviation.expand(grouped.shape).flatten(1, 2)
        v, weight, bias = (p.view(1, -1, 1, 1) for p in (self.v, self.weight, self.bias))
        result: Tensor = x * (v * x).sigmoid() / deviation * weight + bias
        return result


class EvoB0(nn.Module):
    """The same in eval mode, with a running variance."""

    def __init__(self, *, act: bool = True) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.rand(8)), nn.Parameter(torch.rand(8))
        self.v = nn.Parameter(torch.rand(8)) if act else None
        self.running_var: Tensor
        self.register_buffer("running_var", torch.rand(8))

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.weight.view(1, -1, 1, 1), self.bias.view(1, -1, 1, 1)
        if self.v is None:
            return x * weight + bias
        own = (x.var(dim=(2, 3), unbiased=False, keepdim=True) + 1e-3).sqrt()
        batch = (self.running_var.view(1, -1, 1, 1) + 1e-3).sqrt()
        return x / torch.maximum(batch, self.v.view(1, -1, 1, 1) * x + own) * weight + bias


class Blur(nn.Module):
    """Zhang 2019: rows of Pascal's triangle."""

    def __init__(self, row: list[float], stride: int, mode: str) -> None:
        super().__init__()
        taps = torch.tensor(row) / sum(row)
        self.taps: Tensor
        self.register_buffer("taps", torch.outer(taps, taps), persistent=False)
        self.stride, self.mode = stride, mode

    def forward(self, x: Tensor) -> Tensor:
        padding = (self.stride - 1 + len(self.taps) - 1) // 2
        x = functional.pad(x, [padding] * 4, mode=self.mode)
        weight = self.taps.expand(x.shape[1], 1, *self.taps.shape)
        return functional.conv2d(x, weight, stride=self.stride, groups=x.shape[1])


class ChannelAttention(nn.Module):
    """Wang et al. 2020."""

    def __init__(self, kernel_size: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.conv(x.mean((2, 3)).unsqueeze(1)).sigmoid()
        return x * gate.transpose(1, 2).unsqueeze(-1)
