"""A model with zeros for weights: shapes, counts and memory do not depend on their values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn

OFFSETS = 1
"""Which argument of a deformable convolution says where it reads."""


def zeroed(model: fx.GraphModule) -> fx.GraphModule:
    """The model itself, whose params and buffers are zero then, and offsets that are no numbers too.

    Zeros divided by one another are no numbers, and torchvision's kernel reads memory that is not there at such an
    offset.
    """
    zero(model)
    for module in model.modules():
        if type(module).__name__ == "DeformConv2d":
            module.register_forward_pre_hook(_without_nan)
    return model


def zero(model: nn.Module) -> None:
    """Set params and buffers to zero."""
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data.zero_()


def _without_nan(_module: nn.Module, arguments: tuple[Any, ...]) -> None:
    """In place and unseen by autograd, so that nothing is allocated."""
    offsets = arguments[OFFSETS]
    assert isinstance(offsets, Tensor)
    with torch.no_grad():
        offsets.data.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)
