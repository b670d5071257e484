"""Convolutions whose weight is made anew from others each time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class StdConv2d(nn.Conv2d):
    """A convolution whose filters are standardised each time (Qiao et al. 2019).

    Args:
        args: those of `nn.Conv2d`.
        eps: added to the variance of each filter.
        kwargs: those of `nn.Conv2d`.
    """

    def __init__(self, *args: Any, eps: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """As a convolution."""
        rows = self.weight.reshape(1, self.out_channels, -1)
        weight = nn.functional.batch_norm(
            rows, None, None, training=True, momentum=0.0, eps=self.eps
        )
        convolved: Tensor = self._conv_forward(x, weight.reshape_as(self.weight), self.bias)
        return convolved


class ScaledStdConv2d(nn.Conv2d):
    """A convolution whose filters are standardised each time, and scaled (Brock et al. 2021).

    Args:
        args: those of `nn.Conv2d`.
        gamma: of the activation that follows; a factor of all filters.
        eps: added to the variance of each filter.
        gain_init: the first of the learned factor of each filter.
        kwargs: those of `nn.Conv2d`.
    """

    def __init__(
        self,
        *args: Any,
        gamma: float = 1.0,
        eps: float = 1e-6,
        gain_init: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.scale = gamma * self.weight[0].numel() ** -0.5
        self.eps = eps
        self.gain = nn.Parameter(torch.full((self.out_channels, 1, 1, 1), gain_init))

    def forward(self, x: Tensor) -> Tensor:
        """As a convolution."""
        rows = self.weight.reshape(1, self.out_channels, -1)
        gain = (self.gain * self.scale).view(-1)
        weight = nn.functional.batch_norm(
            rows, None, None, gain, training=True, momentum=0.0, eps=self.eps
        )
        convolved: Tensor = self._conv_forward(x, weight.reshape_as(self.weight), self.bias)
        return convolved


class WeightNormConv1d(nn.Conv1d):
    """A convolution whose filters have learned lengths (Salimans & Kingma 2016)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nn.utils.parametrizations.weight_norm(self)


class WeightNormConv2d(nn.Conv2d):
    """A convolution whose filters have learned lengths (Salimans & Kingma 2016)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nn.utils.parametrizations.weight_norm(self)


class WeightNormConv3d(nn.Conv3d):
    """A convolution whose filters have learned lengths (Salimans & Kingma 2016)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nn.utils.parametrizations.weight_norm(self)


class SpectralNormConv1d(nn.Conv1d):
    """A convolution whose weight is divided by its largest singular value (Miyato et al. 2018)."""

    def __init__(
        self, *args: Any, n_power_iterations: int = 1, eps: float = 1e-12, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        nn.utils.parametrizations.spectral_norm(
            self, n_power_iterations=n_power_iterations, eps=eps
        )


class SpectralNormConv2d(nn.Conv2d):
    """A convolution whose weight is divided by its largest singular value (Miyato et al. 2018)."""

    def __init__(
        self, *args: Any, n_power_iterations: int = 1, eps: float = 1e-12, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        nn.utils.parametrizations.spectral_norm(
            self, n_power_iterations=n_power_iterations, eps=eps
        )


class SpectralNormConv3d(nn.Conv3d):
    """A convolution whose weight is divided by its largest singular value (Miyato et al. 2018)."""

    def __init__(
        self, *args: Any, n_power_iterations: int = 1, eps: float = 1e-12, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        nn.utils.parametrizations.spectral_norm(
            self, n_power_iterations=n_power_iterations, eps=eps
        )
