"""Convolutions with fixed filters, and along the channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class BlurPool(nn.Module):
    """A binomial filter with a stride (Zhang 2019): fixed weights, behind a padding.

    Args:
        channels: of the map.
        filt_size: taps along each axis.
        stride: step of the window.
        pad_mode: of the padding: `reflect`, `replicate`, `circular` or `constant` (zeros).
        num_axes: of the map.
    """

    def __init__(
        self,
        channels: int,
        filt_size: int = 3,
        stride: int = 2,
        pad_mode: str = "reflect",
        num_axes: int = 2,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.pad_mode = pad_mode
        self.padding = [(stride - 1 + filt_size - 1) // 2] * (2 * num_axes)
        row, taps = [1.0], torch.ones(())
        for _ in range(filt_size - 1):
            row = [(a + b) / 2 for a, b in zip([0.0, *row], [*row, 0.0])]  # noqa: B905
        for _ in range(num_axes):
            taps = taps.unsqueeze(-1) * torch.tensor(row)
        self.filt: Tensor
        self.register_buffer("filt", taps.repeat(channels, 1, *(1,) * num_axes), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """The map, blurred and smaller."""
        padded = nn.functional.pad(x, self.padding, mode=self.pad_mode)
        convolve = (nn.functional.conv1d, nn.functional.conv2d, nn.functional.conv3d)[x.dim() - 3]
        return convolve(padded, self.filt, stride=self.stride, groups=x.shape[1])


class ChannelConv(nn.Conv1d):
    """A convolution along the channels of a map of one position (Wang et al. 2020, ECA).

    Args:
        kernel_size: neighbouring channels; an odd number.
    """

    def __init__(self, kernel_size: int = 3) -> None:
        super().__init__(1, 1, kernel_size, padding=(kernel_size - 1) // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, 1, 1), unchanged."""
        return super().forward(x.flatten(1).unsqueeze(1)).view(x.shape)
