"""How torch's and fvcore's counters are told of operators that they do not know.

The formulas are theirs, for convolution, and the shapes those of the tensors that really flow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import conv_flop_count

DEFORMABLE = "torchvision::deform_conv2d"


def _deformable_flops(x: Any, weight: Any, *_args: Any, out_shape: Any = None, **_kwargs: Any) -> int:
    return int(conv_flop_count(x, weight, out_shape, transposed=False))


def torch_formulas() -> dict[Any, Callable[..., int]]:
    """For `FlopCounterMode(custom_mapping=...)`; empty as long as nothing has imported torchvision."""
    try:
        operator = torch.ops.torchvision.deform_conv2d
    except AttributeError:
        return {}
    return {operator: _deformable_flops}


def fvcore_deformable(inputs: list[Any], outputs: list[Any]) -> int:
    """For fvcore's `set_op_handle`: the multiply-accumulates of one deformable convolution."""
    x, weight, output = (list(value.type().sizes()) for value in (inputs[0], inputs[1], outputs[0]))
    return int(conv_flop_count(x, weight, output, transposed=False)) // 2
