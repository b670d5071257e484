"""The rectified linear unit with an upper bound."""

from __future__ import annotations

from typing import ClassVar

from archlab.layers.activation import InplaceActivation
from archlab.layers.runtime import Runtime


class ReLU6(InplaceActivation):
    """min(max(0, x), 6). FLOPs: 2."""

    type: ClassVar[str] = "relu6"
    runs: ClassVar[Runtime] = Runtime(layout="like")
    alias: ClassVar[str] = "relu"
    torch_class: ClassVar[str] = "ReLU6"
    flops_per_element: ClassVar[int] = 2
