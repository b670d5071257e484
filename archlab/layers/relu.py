"""Rectified linear units."""

from __future__ import annotations

from typing import ClassVar

from archlab.layers.activation import InplaceActivation
from archlab.layers.operators import GradientLayout, Layout


class ReLU(InplaceActivation):
    """max(0, x). FLOPs: 1 (the comparison)."""

    type: ClassVar[str] = "relu"
    gradient_layout: ClassVar[GradientLayout] = "kept"
    alias: ClassVar[str] = "relu"
    torch_class: ClassVar[str] = "ReLU"
    derives_from_output: ClassVar[bool] = True


class ReLU6(InplaceActivation):
    """min(max(0, x), 6). FLOPs: 2."""

    type: ClassVar[str] = "relu6"
    layout: ClassVar[Layout] = "like"
    alias: ClassVar[str] = "relu"
    torch_class: ClassVar[str] = "ReLU6"
    flops_per_element: ClassVar[int] = 2
