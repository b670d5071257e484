"""Activation checkpointing in the built model: segments that keep only their inputs for the backward pass.

`torch.utils.checkpoint` computes a segment's layers again when the backward pass reaches it. Running statistics
would be updated twice by that; here they are updated once, so that a model trains exactly as without.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.checkpoint import checkpoint


def run_module(module: nn.Module, *inputs: Tensor) -> Any:
    """What a module gives that a segment is handed, since its weights are those of a layer elsewhere."""
    return module(*inputs)


def run_segment(segment: nn.Module, *inputs: Tensor | nn.Module) -> Any:
    """What a segment gives; in training, its values are computed again in the backward pass instead of kept.

    Args:
        segment: its modules and how they are called.
        inputs: what it reads, then the modules elsewhere that it calls.
    """
    if not (segment.training and torch.is_grad_enabled()):
        return segment(*inputs)
    if torch.compiler.is_compiling():  # what is computed again there updates nothing
        return checkpoint(segment, *inputs, use_reentrant=False)

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        handed = [module for module in inputs if isinstance(module, nn.Module)]
        return nullcontext(), _kept_statistics([segment, *handed])

    return checkpoint(segment, *inputs, use_reentrant=False, context_fn=contexts)


@contextmanager
def _kept_statistics(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Keep normalisations from updating their running statistics."""
    every = dict.fromkeys(inner for module in modules for inner in module.modules())
    norms = [module for module in every if isinstance(module, _NormBase) and module.track_running_stats]
    saved = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    try:
        for norm in norms:
            norm.momentum, norm.num_batches_tracked = 0.0, None
        yield
    finally:
        for norm, (momentum, batches) in zip(norms, saved, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, batches
