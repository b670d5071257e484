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
    return _in_memory_format(model) if conditions.channels_last else model


_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}
"""By number of dimensions, the batch among them."""


def _in_memory_format(model: fx.GraphModule) -> fx.GraphModule:
    """Weights with their channels last: those of two and of three axes, each in its own format."""
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.dim() in _FORMATS:
            tensor.data = tensor.data.to(memory_format=_FORMATS[tensor.dim()])
    return model


def converted_input(sample: Tensor, conditions: Conditions) -> Tensor:
    """Its input likewise: a flat one has no other format."""
    sample = sample.to(getattr(torch, conditions.dtype))
    found = _FORMATS.get(sample.dim()) if conditions.channels_last else None
    return sample if found is None else sample.to(memory_format=found)


def autocast(conditions: Conditions, device: str | torch.device) -> AbstractContextManager[Any]:
    """The context of a forward pass."""
    if conditions.autocast is None:
        return nullcontext()
    return torch.autocast(torch.device(device).type, getattr(torch, conditions.autocast))
