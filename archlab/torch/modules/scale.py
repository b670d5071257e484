"""A learned factor, shift or weight for values as a whole."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LayerScale(nn.Module):
    """A learnable factor for each channel (Touvron et al. 2021, ConvNeXt's), or one for all.

    Args:
        num_channels: channels of the map; 0 for one factor of all.
        init_value: the initial factor.
        num_axes: axes behind the channels.
        bias: whether to learn shifts too, zero at first.
    """

    def __init__(
        self,
        num_channels: int,
        init_value: float = 1e-6,
        num_axes: int = 2,
        *,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.num_channels = num_channels
        shape = (num_channels, *(1,) * num_axes) if num_channels else ()
        self.layer_scale = nn.Parameter(torch.ones(shape) * init_value)
        self.bias = nn.Parameter(torch.zeros(shape)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """The map times its factors."""
        scaled = self.layer_scale * x
        return scaled if self.bias is None else scaled + self.bias

    def extra_repr(self) -> str:
        """What `print` shows in the brackets."""
        return f"{self.num_channels}"


class PadChannels(nn.Module):
    """Channels of zeros in front of a map's and behind them.

    Args:
        before: how many in front.
        after: how many behind.
    """

    def __init__(self, before: int = 0, after: int = 0) -> None:
        super().__init__()
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> Tensor:
        """The map with more channels."""
        return nn.functional.pad(x, [0, 0] * (x.dim() - 2) + [self.before, self.after])


class WeightedAdd(nn.Module):
    """A sum of values, each times a learnable weight (Tan et al. 2020, EfficientDet's BiFPN).

    Args:
        num_inputs: how many values.
        normalization: of the weights: `none`, `softmax`, or `fast` (ReLU, divided by their sum).
        eps: added to that sum.
    """

    def __init__(self, num_inputs: int, normalization: str = "none", eps: float = 1e-4) -> None:
        super().__init__()
        self.normalization = normalization
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_inputs))

    def forward(self, *values: Tensor) -> Tensor:
        """The sum of values of one shape."""
        weight: Tensor = self.weight
        if self.normalization == "softmax":
            weight = weight.softmax(0)
        elif self.normalization == "fast":
            weight = weight.relu()
            weight = weight / (weight.sum() + self.eps)
        first, *others = weight.unbind()
        total = values[0] * first
        for value, factor in zip(values[1:], others):  # noqa: B905 - the export knows no `strict`
            total = total + value * factor
        return total
