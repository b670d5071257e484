"""Functions as layers: the same values, shapes, params and MACs as the module that calls them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as it is called everywhere

from tests.chunks import check_each, in_chunks
from tests.torch.importing.held import difference, held, numbers, randomise


class Calls(nn.Module):
    """A convolution, then functions of its result and of parameters."""

    def __init__(self, function: Callable[[Tensor, Any], Any]) -> None:
        super().__init__()
        self.function = function
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.gate = nn.Conv2d(8, 8, 1)
        self.weight = nn.Parameter(torch.randn(8, 4, 3, 3))
        self.scale = nn.Parameter(torch.randn(8))
        self.shift = nn.Parameter(torch.randn(1, 8, 1, 1))
        self.one = nn.Parameter(torch.randn(1))
        self.several = nn.Parameter(torch.randn(2, 8))
        self.other = nn.Parameter(torch.randn(()))
        self.position = nn.Parameter(torch.randn(1, 8, 12, 12))
        self.register_buffer("mean", torch.randn(8))
        self.register_buffer("var", torch.rand(8) + 0.5)

    def forward(self, x: Tensor) -> Any:
        """A result that depends on all parameters that the function takes."""
        return self.function(self.conv(x), self)


def _split_attention(x: Any, m: Any) -> Any:
    parts = x.reshape(x.shape[0], 2, 4, *x.shape[2:])
    gates = m.gate(x.mean((2, 3), keepdim=True))
    gates = gates.view(x.shape[0], 1, 2, -1).transpose(1, 2).softmax(dim=1).reshape(x.shape[0], 2, 4, 1, 1)
    return (parts * gates).sum(dim=1)


CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "operators": lambda x, m: (x * 2 + 1 - 0.5) * 3 + x - x * x,
    "numbers in front": lambda x, m: 1 - x + 2 * x,
    "quotients": lambda x, m: x.sigmoid() / (1 + x.square()) + 1 / (1 + x.abs()) + 2 / (x.abs() + 1),
    "in place": lambda x, m: m.gate(x).add_(x).mul_(x).relu_(),
    "roots and powers": lambda x, m: x.abs().sqrt() + (x**2 + 1).rsqrt() + x.pow(3) - -x,
    "exponentials and logarithms": lambda x, m: (
        (x.exp() + 1).log() * m.one.exp() + torch.exp(m.scale[:, None, None]) * x
    ),
    "the larger and the smaller": lambda x, m: torch.maximum(x, m.gate(x)) + torch.minimum(x, m.gate(x).tanh()),
    "a factor for each channel": lambda x, m: x * m.scale.view(1, -1, 1, 1),
    "a factor by None": lambda x, m: x * m.scale[None, :, None, None],
    "a factor for each channel behind": lambda x, m: (x.permute(0, 2, 3, 1) * m.scale).permute(0, 3, 1, 2),
    "one factor": lambda x, m: x * m.one + x * m.other,
    "factors and shifts": lambda x, m: m.scale.reshape(1, 8, 1, 1) * x + m.shift,
    "one factor and shift": lambda x, m: m.one * x.relu() ** 2 + m.other,
    "positions": lambda x, m: x + m.position,
    "factors around one": lambda x, m: (1 + m.scale[:, None, None]) * x + x / (m.scale.view(1, -1, 1, 1).abs() + 1),
    "one of several in a parameter": lambda x, m: x * torch.sigmoid(m.several).view(2, -1, 1, 1)[1],
    "shares of a parameter": lambda x, m: m.several.softmax(-1)[0].view(1, -1, 1, 1) * x,
    "a gate of a parameter": lambda x, m: x * m.scale.sigmoid()[None, :, None, None] - m.other.neg(),
    "a learned convolution of a parameter": lambda x, m: x + m.gate(m.position).relu().repeat(x.shape[0], 1, 1, 1),
    "convolution": lambda x, m: F.conv2d(x, m.weight, m.scale, stride=2, padding=(1, 0), groups=2),
    "transposed convolution": lambda x, m: F.conv_transpose2d(x, m.weight, None, 2, 1, 1),
    "group norm": lambda x, m: F.group_norm(x, 2, m.scale, m.shift.flatten(), 1e-4) + F.group_norm(x, 4),
    "instance norm": lambda x, m: F.instance_norm(x, weight=m.scale, bias=m.shift.flatten()),
    "layer norm": lambda x, m: F.layer_norm(x.permute(0, 2, 3, 1), (8,), m.scale, None, 1e-6).permute(0, 3, 1, 2),
    "local response norm": lambda x, m: F.local_response_norm(x, 3, alpha=1e-2),
    "paddings of channels last": lambda x, m: F.pad(
        F.pad(x.permute(0, 2, 3, 1), (0, 0, 0, 2, 1, 0)), (0, 0, 1, 1, 1, 1), "constant", 2.0
    ).permute(0, 3, 1, 2),
    "variances": lambda x, m: (
        x * (x.var(1, keepdim=True) + 1).rsqrt() + x.var((2, 3), unbiased=False)[..., None, None] * x.var(3, True, True)
    ),
    "normalize": lambda x, m: F.normalize(x) + F.normalize(x, p=2.0, dim=1, eps=1e-3),
    "activations": lambda x, m: (
        F.relu(x) + F.gelu(x) + F.gelu(x, approximate="tanh") + F.leaky_relu(x, 0.2) + F.silu(x)
    ),
    "more activations": lambda x, m: F.elu(x) + F.celu(x, 0.5) + F.selu(x) + F.softplus(x, beta=2) + F.mish(x),
    "hard ones": lambda x, m: F.hardswish(x) + F.hardsigmoid(x) + F.hardtanh(x, -2, 1.5) + F.relu6(x) + F.hardshrink(x),
    "clamp": lambda x, m: x.clamp(-0.3, 0.4) + x.clamp(min=0) + torch.clip(x, min=-1.0, max=1.0) + x.clamp_min(0),
    "clamp on one side": lambda x, m: x.clamp(min=-0.3) + 2 * x.clamp(max=0.4) + 3 * x.clamp_max(-0.1) + x.clamp_min(1),
    "prelu": lambda x, m: F.prelu(x, m.scale) + F.prelu(x, m.one),
    "glu": lambda x, m: F.glu(x, dim=1) + x[:, :4].softmax(dim=1) + F.log_softmax(x[:, 4:], 1),
    "dropout": lambda x, m: F.dropout(x, 0.3, training=False) + F.dropout2d(x, 0.0, training=False),
    "max pool": lambda x, m: F.max_pool2d(x, 3, 2, 1) + F.max_pool2d(x, 2) + F.max_pool2d(x, (2, 2), ceil_mode=True),
    "max pool between infinities": lambda x, m: (
        F.max_pool2d(F.pad(x, (1, 1, 1, 1), value=-math.inf), 3, 2)
        + F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-math.inf), 3, 2)
    ),
    "avg pool": lambda x, m: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False) + F.avg_pool2d(x, 2),
    "lp pool": lambda x, m: F.lp_pool2d(x.abs(), 2.0, 2),
    "adaptive pool": lambda x, m: x * F.adaptive_avg_pool2d(x, 1) + x * F.adaptive_max_pool2d(x, (1, 1)),
    "padding": lambda x, m: (
        F.pad(x, (1, 2)) + F.pad(x, [1, 2, 0, 0], mode="reflect") + F.pad(x, (2, 1, 0, 0), value=3.0)
    ),
    "padding of channels": lambda x, m: F.pad(x, (0, 0, 0, 0, 2, 1)),
    "cutting": lambda x, m: F.pad(x, (-1, -2, 0, -1)) + F.pad(x, (0, 0, 0, 0))[:, :, :-1, 2:-1],
    "interpolation": lambda x, m: (
        F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False) + F.interpolate(x, size=(24, 24))
    ),
    "shuffles": lambda x, m: F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2) + F.channel_shuffle(x, 4),
    "channel shuffle by views": lambda x, m: x.view(-1, 2, 4, 12, 12).transpose(1, 2).contiguous().view(-1, 8, 12, 12),
    "reductions": lambda x, m: x * x.mean((2, 3), keepdim=True) + x.sum(1, keepdim=True) * x.amax((2, 3), keepdim=True),
    "largest": lambda x, m: x * x.max(dim=1, keepdim=True)[0] + x * torch.max(x, m.gate(x)),
    "lengths": lambda x, m: (
        x * x.norm(p=2, dim=(2, 3), keepdim=True) + x * torch.linalg.vector_norm(x, dim=1, keepdim=True)
    ),
    "slices": lambda x, m: x[:, 1:5, 2:, :-1],
    "one of a dimension": lambda x, m: x[:, 3].unsqueeze(1) * x.select(1, -1)[:, None] + x.narrow(1, 2, 1),
    "chunks": lambda x, m: torch.cat([part * number for number, part in enumerate(x.chunk(4, dim=1), 1)], dim=1),
    "splits": lambda x, m: torch.cat(torch.split(x, [1, 5, 2], dim=1)[::-1], 1) + torch.cat(x.split(4, 1), 1),
    "unbind": lambda x, m: torch.stack([one * 2 for one in x.view(-1, 2, 4, 12, 12).unbind(1)], dim=1).sum(1),
    "stack": lambda x, m: torch.stack([x, m.gate(x)], dim=1).sum(dim=1) + torch.stack([x, x * 2], -1).mean(-1),
    "stretched": lambda x, m: x * x.mean((2, 3), keepdim=True).expand_as(x),
    "order": lambda x, m: x.movedim(1, -1).permute(0, 3, 2, 1).transpose(2, 3).swapaxes(-1, -2).mT,
    "flat": lambda x, m: x.flatten(2).unflatten(2, (12, 12)) + x.reshape(x.shape[0], 8, -1).view_as(x),
    "split attention": _split_attention,
}


@pytest.mark.parametrize("names", in_chunks(CALLS, 15))
def test_function_is_a_layer(names: list[str]) -> None:
    check_each(names, check_is_a_layer)


def check_is_a_layer(name: str) -> None:
    torch.manual_seed(0)
    model = Calls(CALLS[name])
    randomise(model)
    one = held(model, (3, 12, 12))
    assert not one.opaque, one.flat.remarks
    for what, (ours, theirs) in numbers(one).items():
        assert ours == theirs, what
    assert difference(one) <= 1e-6
