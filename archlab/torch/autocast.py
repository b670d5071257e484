"""Autocast on a CPU that follows CUDA's lists, so that its memory can be counted without a GPU.

The lists (ATen/autocast_mode.h) differ in a few operators: those below are computed in float32 on CUDA, and in the
input's precision on a CPU; padding by reflection and replication, and pooling of three axes, the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.library import Library, fallthrough_kernel

FLOAT32 = (
    *("layer_norm", "group_norm", "softplus", "softmax.int", "log_softmax.int"),
    *("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d"),
    *("_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "_upsample_nearest_exact3d"),
    *("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d"),
    *("pow.Tensor_Scalar", "pow.Tensor_Tensor", "pow.Scalar", "exp", "log"),
)
GIVES_FLOAT32 = ("sum", "sum.dim_IntList", "linalg_vector_norm")
"""They read what they get, and are asked for a result in float32."""
AS_INPUTS = (
    *("reflection_pad1d", "reflection_pad2d", "replication_pad1d", "replication_pad2d", "replication_pad3d"),
    *("max_pool3d", "adaptive_avg_pool3d", "adaptive_max_pool3d", "instance_norm"),
)
"""Not `avg_pool3d`, which CPUs have in single and double precision only."""
_LOWER = (torch.float16, torch.bfloat16)


@contextmanager
def cuda_lists_on_cpu() -> Iterator[None]:
    """While it lasts, `torch.autocast("cpu")` follows CUDA's lists."""
    library = Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    try:
        for name in FLOAT32:
            library.impl(name, _in_float32(name), "AutocastCPU")  # type: ignore[no-untyped-call]
        for name in GIVES_FLOAT32:
            library.impl(name, _giving_float32(name), "AutocastCPU")  # type: ignore[no-untyped-call]
        for name in AS_INPUTS:
            library.impl(name, fallthrough_kernel, "AutocastCPU")  # type: ignore[no-untyped-call]
        yield
    finally:
        library._destroy()  # type: ignore[no-untyped-call]  # noqa: SLF001 - as torch.library._scoped_library does


def _operator(name: str) -> Callable[..., Any]:
    """An operator beneath autocast."""
    packet, _, overload = name.partition(".")
    operator = getattr(getattr(torch.ops.aten, packet), overload or "default")

    def compute(*args: Any, **kwargs: Any) -> Any:
        with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastCPU)):  # noqa: SLF001
            return operator(*args, **kwargs)

    return compute


def _in_float32(name: str) -> Callable[..., Any]:
    """Its inputs are copied."""
    operator = _operator(name)
    return lambda *args, **kwargs: operator(*[_float32(value) for value in args], **kwargs)


def _giving_float32(name: str) -> Callable[..., Any]:
    """It reads its input as it is, and is asked for a result in float32."""
    operator = _operator(name)

    def compute(value: Tensor, *args: Any, **kwargs: Any) -> Any:
        wanted = value.dtype in _LOWER and kwargs.get("dtype") is None
        return operator(value, *args, **{**kwargs, "dtype": torch.float32} if wanted else kwargs)

    return compute


def _float32(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.dtype in _LOWER else value
