"""Modules for layers that neither `torch.nn` nor torchvision has as a class."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LayerScale(nn.Module):
    """A learnable factor for each channel (Touvron et al. 2021), as ConvNeXt's `layer_scale`.

    Args:
        num_channels: channels of the map.
        init_value: the initial factor.
        num_axes: spatial axes of the map.
    """

    def __init__(self, num_channels: int, init_value: float = 1e-6, num_axes: int = 2) -> None:
        super().__init__()
        self.num_channels = num_channels
        self.layer_scale = nn.Parameter(torch.ones(num_channels, *(1,) * num_axes) * init_value)

    def forward(self, x: Tensor) -> Tensor:
        """The map times its factors."""
        return self.layer_scale * x

    def extra_repr(self) -> str:
        """What `print` shows in the brackets."""
        return f"{self.num_channels}"
