"""Dtype, memory format and autocast of a model that runs under given conditions."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, fx

from archlab.analysis.conditions import Conditions


def converted(model: fx.GraphModule, conditions: Conditions) -> fx.GraphModule:
    """A model in the dtype and memory format of the conditions."""
    model = model.to(getattr(torch, conditions.dtype))
    return model.to(memory_format=torch.channels_last) if conditions.channels_last else model


def converted_input(sample: Tensor, conditions: Conditions) -> Tensor:
    """Its input likewise: a flat one has no other format."""
    sample = sample.to(getattr(torch, conditions.dtype))
    is_map = sample.dim() == 4
    return sample.contiguous(memory_format=torch.channels_last) if conditions.channels_last and is_map else sample


def autocast(conditions: Conditions, device: str | torch.device) -> AbstractContextManager[Any]:
    """The context of a forward pass."""
    if conditions.autocast is None:
        return nullcontext()
    return torch.autocast(torch.device(device).type, getattr(torch, conditions.autocast))
