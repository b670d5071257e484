"""Modules for layers that neither `torch.nn` nor torchvision has as a class.

Each stands by itself, since generated source has its text.
"""

from __future__ import annotations

from typing import Any

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


class RMSNorm2d(nn.Module):
    """Root mean square normalisation (Zhang & Sennrich 2019) over the channels of a map, position by position.

    Args:
        num_channels: channels of the map.
        eps: added to the mean of squares.
        elementwise_affine: whether to learn a scale per channel.
    """

    def __init__(self, num_channels: int, eps: float = 1e-6, *, elementwise_affine: bool = True) -> None:
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
        channels_last: whether the channels are the last dimension, rather than the first behind the batch.
    """

    def __init__(self, num_channels: int, eps: float = 1e-6, *, channels_last: bool = False) -> None:
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
    """EvoNorm-S0 (Liu et al. 2020): x * sigmoid(v * x) by the deviation of its group, scaled and shifted.

    Args:
        num_features: channels of the map.
        groups: of channels that share a deviation.
        apply_act: whether there is a norm and an activation; without, a scale and a shift are all.
        eps: added to the variance.
    """

    def __init__(self, num_features: int, groups: int = 32, *, apply_act: bool = True, eps: float = 1e-5) -> None:
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
            deviation = grouped.var(dim=(2, 3, 4), unbiased=False, keepdim=True).add(self.eps).sqrt()
            deviation = deviation.expand(grouped.shape).reshape(batch, channels, height, width)
            x = x * (self.v.view(shape) * x).sigmoid() / deviation
        return self.weight.view(shape) * x + self.bias.view(shape)


class EvoNorm2dB0(nn.Module):
    """EvoNorm-B0 (Liu et al. 2020): x by the larger of the batch's deviation and v * x plus the sample's own.

    Args:
        num_features: channels of the map.
        apply_act: whether there is a norm and an activation; without, a scale and a shift are all.
        momentum: weight of a new batch in the running variance.
        eps: added to the variances.
    """

    def __init__(self, num_features: int, *, apply_act: bool = True, momentum: float = 0.1, eps: float = 1e-3) -> None:
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


class BlurPool(nn.Module):
    """A binomial filter with a stride (Zhang 2019): fixed weights, behind a padding.

    Args:
        channels: of the map.
        filt_size: taps along each axis.
        stride: step of the window.
        pad_mode: what the padding is filled with: `reflect`, `replicate`, `circular` or `constant` (zeros).
        num_axes: of the map.
    """

    def __init__(
        self, channels: int, filt_size: int = 3, stride: int = 2, pad_mode: str = "reflect", num_axes: int = 2
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
        weight = nn.functional.batch_norm(rows, None, None, training=True, momentum=0.0, eps=self.eps)
        convolved: Tensor = self._conv_forward(x, weight.reshape_as(self.weight), self.bias)
        return convolved


class ScaledStdConv2d(nn.Conv2d):
    """A convolution whose filters are standardised each time, and scaled (Brock et al. 2021).

    Args:
        args: those of `nn.Conv2d`.
        gamma: of the activation that follows; a factor of all filters, as is the inverse root of what they read.
        eps: added to the variance of each filter.
        gain_init: the first of the learned factor of each filter.
        kwargs: those of `nn.Conv2d`.
    """

    def __init__(
        self, *args: Any, gamma: float = 1.0, eps: float = 1e-6, gain_init: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.scale = gamma * self.weight[0].numel() ** -0.5
        self.eps = eps
        self.gain = nn.Parameter(torch.full((self.out_channels, 1, 1, 1), gain_init))

    def forward(self, x: Tensor) -> Tensor:
        """As a convolution."""
        rows = self.weight.reshape(1, self.out_channels, -1)
        gain = (self.gain * self.scale).view(-1)
        weight = nn.functional.batch_norm(rows, None, None, gain, training=True, momentum=0.0, eps=self.eps)
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

    def __init__(self, *args: Any, n_power_iterations: int = 1, eps: float = 1e-12, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nn.utils.parametrizations.spectral_norm(self, n_power_iterations=n_power_iterations, eps=eps)


class SpectralNormConv2d(nn.Conv2d):
    """A convolution whose weight is divided by its largest singular value (Miyato et al. 2018)."""

    def __init__(self, *args: Any, n_power_iterations: int = 1, eps: float = 1e-12, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nn.utils.parametrizations.spectral_norm(self, n_power_iterations=n_power_iterations, eps=eps)


class SpectralNormConv3d(nn.Conv3d):
    """A convolution whose weight is divided by its largest singular value (Miyato et al. 2018)."""

    def __init__(self, *args: Any, n_power_iterations: int = 1, eps: float = 1e-12, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nn.utils.parametrizations.spectral_norm(self, n_power_iterations=n_power_iterations, eps=eps)


class Attention(nn.Module):
    """Attention of queries to keys, whose values are summed up, for each head (Vaswani et al. 2017).

    Args:
        num_heads: of queries, keys and values, each with its own part of the channels.
        fused: whether by `scaled_dot_product_attention`, rather than written out.
        dropout: probability of leaving out a weight, in training.
        head_first: whether queries, keys and values of a head lie together.
    """

    def __init__(self, num_heads: int, *, fused: bool = True, dropout: float = 0.0, head_first: bool = False) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.fused = fused
        self.dropout = dropout
        self.head_first = head_first

    def forward(self, x: Tensor, keys: Tensor | None = None) -> Tensor:
        """(N, ..., C) of queries, keys and values (N, ..., 3 C); or queries (N, ..., C), the others (N, ..., 2 C)."""
        batch, *positions, width = x.shape
        if keys is None:
            q, k, v = self.parts(x, 3).unbind(0)
            width //= 3
        else:
            q = x.reshape(batch, -1, self.num_heads, width // self.num_heads).transpose(1, 2)
            k, v = self.parts(keys, 2).unbind(0)
        dropout = self.dropout if self.training else 0.0
        if self.fused:
            y = nn.functional.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
        elif dropout:
            y = nn.functional.dropout(((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).softmax(-1), dropout) @ v
        else:
            y = ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).softmax(-1) @ v
        return y.transpose(1, 2).reshape(batch, *positions, width)

    def parts(self, x: Tensor, count: int) -> Tensor:
        """(N, ..., count * C) as (count, N, heads, tokens, width)."""
        batch, width = x.shape[0], x.shape[-1] // (count * self.num_heads)
        if self.head_first:
            return x.reshape(batch, -1, self.num_heads, count, width).permute(3, 0, 2, 1, 4)
        return x.reshape(batch, -1, count, self.num_heads, width).permute(2, 0, 3, 1, 4)


class WindowAttention(nn.Module):
    """Attention inside of windows of a map with its channels last (Liu et al. 2021).

    Args:
        num_heads: of queries, keys and values, each with its own part of the channels.
        size: of the map, along each axis.
        window_size: positions of a window along each axis, which divide the map's.
        shift_size: by how much windows are shifted along each axis.
        dilated: whether a window's positions lie evenly over the whole map, rather than beside one another.
        relative_position: whether to learn a bias for each relative position and head.
        fused: whether by `scaled_dot_product_attention`, rather than written out.
        dropout: probability of leaving out a weight, in training.
        head_first: whether queries, keys and values of a head lie together.
    """

    def __init__(  # noqa: PLR0913
        self,
        num_heads: int,
        size: list[int],
        window_size: list[int],
        shift_size: list[int] | None = None,
        *,
        dilated: bool = False,
        relative_position: bool = False,
        fused: bool = True,
        dropout: float = 0.0,
        head_first: bool = False,
    ) -> None:
        super().__init__()
        self.num_heads, self.fused, self.dropout, self.head_first = num_heads, fused, dropout, head_first
        self.size, self.window_size, self.shift_size = size, window_size, shift_size
        counts = [whole // part for whole, part in zip(size, window_size)]  # noqa: B905 - the export knows no `strict`
        pairs = zip(window_size, counts) if dilated else zip(counts, window_size)  # noqa: B905
        self.halves = [half for pair in pairs for half in pair]
        inside, last = 1 if dilated else 2, 2 * len(size) + 1
        self.order = [0, *range(3 - inside, last, 2), *range(inside, last, 2), last]
        self.back = [self.order.index(dim) for dim in range(last + 1)]
        self.merged = [*counts, *window_size]
        self.area = 1
        for part in window_size:
            self.area *= part
        self.relative_position_bias_table = None
        if relative_position:
            places = 1
            for part in window_size:
                places *= 2 * part - 1
            table = torch.zeros(places, num_heads)
            self.relative_position_bias_table = nn.Parameter(nn.init.trunc_normal_(table, std=0.02))
            self.relative_position_index: Tensor
            self.register_buffer("relative_position_index", self.relative_positions(), persistent=False)
        if shift_size is not None:
            self.attn_mask: Tensor
            self.register_buffer("attn_mask", self.mask(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, *axes, C) of queries, keys and values (N, *axes, 3 C)."""
        q, k, v = self.windows(x).unbind(0)
        bias = self.bias(x.shape[0])
        dropout = self.dropout if self.training else 0.0
        if self.fused:
            y = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout)
        else:
            y = self.weights(q, k, bias, dropout) @ v
        return self.joined(y, x.shape[0])

    def weights(self, q: Tensor, k: Tensor, bias: Tensor | None, dropout: float) -> Tensor:
        """Softmax over the keys of what each query makes of them."""
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
        if bias is not None:
            scores = scores + bias
        scores = scores.softmax(-1)
        return nn.functional.dropout(scores, dropout) if dropout else scores

    def windows(self, x: Tensor) -> Tensor:
        """(N, *axes, 3 C) as (3, N * windows, heads, positions of a window, width)."""
        axes = list(range(1, len(self.size) + 1))
        if self.shift_size is not None:
            x = torch.roll(x, [-shift for shift in self.shift_size], axes)
        x = x.reshape(x.shape[0], *self.halves, x.shape[-1]).permute(self.order)
        x = x.reshape(-1, self.area, x.shape[-1])
        width = x.shape[-1] // (3 * self.num_heads)
        if self.head_first:
            return x.reshape(*x.shape[:2], self.num_heads, 3, width).permute(3, 0, 2, 1, 4)
        return x.reshape(*x.shape[:2], 3, self.num_heads, width).permute(2, 0, 3, 1, 4)

    def joined(self, y: Tensor, batch: int) -> Tensor:
        """(N * windows, heads, positions of a window, width) as (N, *axes, C)."""
        width = y.shape[1] * y.shape[3]
        y = y.transpose(1, 2).reshape(batch, *self.merged, width).permute(self.back).reshape(batch, *self.size, width)
        if self.shift_size is not None:
            y = torch.roll(y, self.shift_size, list(range(1, len(self.size) + 1)))
        return y

    def bias(self, batch: int) -> Tensor | None:
        """What is added to the scores: the bias of each relative position, and the mask of shifted windows."""
        bias = None
        if self.relative_position_bias_table is not None:
            table = self.relative_position_bias_table[self.relative_position_index]
            bias = table.view(1, self.area, self.area, self.num_heads).permute(0, 3, 1, 2)
        if self.shift_size is not None:
            mask = self.attn_mask.unsqueeze(1)
            bias = (mask if bias is None else bias + mask).repeat(batch, 1, 1, 1)
        return bias

    def relative_positions(self) -> Tensor:
        """For each pair of a window's positions, the row of the table."""
        index = torch.zeros(1, 1, dtype=torch.long)
        for part in self.window_size:
            places = torch.arange(part)
            step = (places[:, None] - places[None, :] + part - 1)[None, :, None, :]
            index = (index[:, None, :, None] * (2 * part - 1) + step).flatten(0, 1).flatten(1, 2)
        return index.flatten()

    def mask(self) -> Tensor:
        """For each window -100 between positions that only rolling brought together."""
        regions = torch.zeros(1, *self.size, 1)
        for axis, (size, part, shift) in enumerate(zip(self.size, self.window_size, self.shift_size or []), 1):  # noqa: B905
            place = torch.arange(size).view(-1, *[1] * (len(self.size) - axis + 1))
            regions = regions * 3 + ((place >= size - part).int() + (place >= size - shift).int() if shift else 0)
        groups = regions.reshape(1, *self.halves, 1).permute(self.order).reshape(-1, self.area)
        return (groups[:, None, :] != groups[:, :, None]) * -100.0


class ClassToken(nn.Module):
    """Learned tokens in front of others (Dosovitskiy et al. 2021).

    Args:
        num_features: channels of a token.
        num_tokens: how many.
    """

    def __init__(self, num_features: int, num_tokens: int = 1) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, num_tokens, num_features))

    def forward(self, x: Tensor) -> Tensor:
        """(N, tokens, C) to (N, num_tokens + tokens, C)."""
        return torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], dim=1)


class PositionEmbedding(nn.Module):
    """A learned value for each position and channel, added (Dosovitskiy et al. 2021).

    Args:
        shape: of a sample.
    """

    def __init__(self, shape: list[int]) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, *shape))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """The value, of the same shape."""
        return x + self.pos_embed
