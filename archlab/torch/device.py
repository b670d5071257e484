"""Where to compute, as people write it: `cpu`, `cuda`, `cuda:1`, `mps`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.spelling import argument


def require_device(device: str, *, meta: bool = False) -> None:
    """Refuse a device that is none, or that is not there.

    Args:
        device: its name.
        meta: whether `meta`, which has shapes and no values, will do.

    Raises:
        ConfigError: with PyTorch's reason.
    """
    try:
        made = torch.zeros(1, device=device)
        if not (meta and made.is_meta):
            made.cpu()
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise single_problem(
            f"{argument('device', device)}: cannot compute there: {reason}", Code.WRONG_VALUE
        ) from None


@contextmanager
def its_kernels(device: str) -> Iterator[None]:
    """While it lasts, an operator that a device does not have for a dtype is a problem with PyTorch's reason.

    Raises:
        ConfigError: instead of PyTorch's own error.
    """
    try:
        yield
    except NotImplementedError as error:
        reason = str(error).splitlines()[0]
        raise single_problem(
            f"{argument('device', device)}: PyTorch does not run it there: {reason}; choose another dtype or device",
            Code.WRONG_VALUE,
        ) from None
