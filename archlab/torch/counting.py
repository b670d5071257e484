"""How torch's and fvcore's counters are told of operators that they do not know.

The formulas are theirs, for convolution, and the shapes those of the tensors that really flow.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch.utils.flop_counter import conv_flop_count, sdpa_flop_count

DEFORMABLE = "torchvision::deform_conv2d"
ATTENTION = "aten::scaled_dot_product_attention"


def _deformable_flops(x: Any, weight: Any, *_args: Any, out_shape: Any = None, **_kwargs: Any) -> int:
    return int(conv_flop_count(x, weight, out_shape, transposed=False))


def _attention_flops(query: Any, key: Any, value: Any, *_args: Any, **_kwargs: Any) -> int:
    return int(sdpa_flop_count(query, key, value))  # type: ignore[no-untyped-call]


def torch_formulas() -> dict[Any, Callable[..., int]]:
    """For `FlopCounterMode(custom_mapping=...)`; without torchvision's as long as nothing has imported it."""
    known: dict[Any, Callable[..., int]] = {
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops  # noqa: SLF001 - its name
    }
    with suppress(AttributeError):
        known[torch.ops.torchvision.deform_conv2d] = _deformable_flops
    return known


def fvcore_deformable(inputs: list[Any], outputs: list[Any]) -> int:
    """For fvcore's `set_op_handle`: the multiply-accumulates of one deformable convolution."""
    x, weight, output = (list(value.type().sizes()) for value in (inputs[0], inputs[1], outputs[0]))
    return int(conv_flop_count(x, weight, output, transposed=False)) // 2


def fvcore_attention(inputs: list[Any], _outputs: list[Any]) -> int:
    """For fvcore's `set_op_handle`: the multiply-accumulates of one `scaled_dot_product_attention`."""
    query, key, value = (list(given.type().sizes()) for given in inputs[:3])
    return int(sdpa_flop_count(query, key, value)) // 2  # type: ignore[no-untyped-call]
