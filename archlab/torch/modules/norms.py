"""Norms that neither `torch.nn` nor torchvision has."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RMSNorm2d(nn.Module):
    """Root mean square normalisation (Zhang & Sennrich 2019) over the channels of each position.

    Args:
        num_channels: channels of the map.
        eps: added to the mean of squares.
        elementwise_affine: whether to learn a scale per channel.
    """

    def __init__(
        self, num_channels: int, eps: float = 1e-6, *, elementwise_affine: bool = True
    ) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_channels)) if elementwise_affine else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W), unchanged."""
        mean = x.pow(2).mean(1, keepdim=True)
        x = x * torch.rsqrt(mean + self.eps)
        return x if self.weight is None else self.weight.view(1, -1, 1, 1) * x


class GlobalResponseNorm(nn.Module):
    """Global response normalisation (Woo et al. 2023, ConvNeXt V2).

    Args:
        num_channels: channels of the map.
        eps: added to the mean of the channels' norms.
        channels_last: whether the channels are the last dimension, not the first.
    """

    def __init__(
        self, num_channels: int, eps: float = 1e-6, *, channels_last: bool = False
    ) -> None:
        super().__init__()
        self.eps = eps
        self.channels_last = channels_last
        self.weight = nn.Parameter(torch.zeros(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))

    def forward(self, x: Tensor) -> Tensor:
        """The map, and the map scaled by how strong each channel is beside the others."""
        axes = list(range(1, x.dim() - 1) if self.channels_last else range(2, x.dim()))
        channels = -1 if self.channels_last else 1
        shape = [1] * x.dim()
        shape[channels] = -1
        norm = x.norm(p=2, dim=axes, keepdim=True)
        relative = norm / (norm.mean(dim=channels, keepdim=True) + self.eps)
        return x + torch.addcmul(self.bias.view(shape), self.weight.view(shape), x * relative)


class FilterResponseNorm2d(nn.Module):
    """Filter response normalisation, with its thresholded linear unit (Singh & Krishnan 2020).

    Args:
        num_features: channels of the map.
        apply_tlu: whether the largest of the result and a learnable threshold is taken.
        eps: added to the mean of squares.
    """

    def __init__(self, num_features: int, *, apply_tlu: bool = True, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.tau = nn.Parameter(torch.zeros(num_features)) if apply_tlu else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W), unchanged."""
        shape = (1, -1, 1, 1)
        x = x * x.square().mean(dim=(2, 3), keepdim=True).add(self.eps).rsqrt()
        x = self.weight.view(shape) * x + self.bias.view(shape)
        return x if self.tau is None else torch.maximum(x, self.tau.view(shape))


class EvoNorm2dS0(nn.Module):
    """EvoNorm-S0 (Liu et al. 2020): x * sigmoid(v * x) by its group's deviation, then affine.

    Args:
        num_features: channels of the map.
        groups: of channels that share a deviation.
        apply_act: whether there is a norm and an activation; without, a scale and a shift are all.
        eps: added to the variance.
    """

    def __init__(
        self, num_features: int, groups: int = 32, *, apply_act: bool = True, eps: float = 1e-5
    ) -> None:
        super().__init__()
        self.groups = groups
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.v = nn.Parameter(torch.ones(num_features)) if apply_act else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W), unchanged."""
        shape = (1, -1, 1, 1)
        if self.v is not None:
            batch, channels, height, width = x.shape
            grouped = x.reshape(batch, self.groups, channels // self.groups, height, width)
            deviation = (
                grouped.var(dim=(2, 3, 4), unbiased=False, keepdim=True).add(self.eps).sqrt()
            )
            deviation = deviation.expand(grouped.shape).reshape(batch, channels, height, width)
            x = x * (self.v.view(shape) * x).sigmoid() / deviation
        return self.weight.view(shape) * x + self.bias.view(shape)


class EvoNorm2dB0(nn.Module):
    """EvoNorm-B0 (Liu et al. 2020): x by the larger of the batch's deviation and v * x + its own.

    Args:
        num_features: channels of the map.
        apply_act: whether there is a norm and an activation; without, a scale and a shift are all.
        momentum: weight of a new batch in the running variance.
        eps: added to the variances.
    """

    def __init__(
        self, num_features: int, *, apply_act: bool = True, momentum: float = 0.1, eps: float = 1e-3
    ) -> None:
        super().__init__()
        self.momentum = momentum
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.v = nn.Parameter(torch.ones(num_features)) if apply_act else None
        self.running_var: Tensor
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W), unchanged."""
        shape = (1, -1, 1, 1)
        if self.v is not None:
            variance = self.running_var
            if self.training:
                variance = x.var(dim=(0, 2, 3), unbiased=False)
                count = x.numel() / x.shape[1]
                new = variance.detach() * self.momentum * (count / (count - 1))
                self.running_var.copy_(self.running_var * (1 - self.momentum) + new)
            left = variance.add(self.eps).sqrt_().view(shape)
            own = x.var(dim=(2, 3), unbiased=False, keepdim=True).add(self.eps).sqrt()
            x = x / (self.v.view(shape) * x + own).max(left)
        return self.weight.view(shape) * x + self.bias.view(shape)
