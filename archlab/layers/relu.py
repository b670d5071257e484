"""The rectified linear unit."""

from __future__ import annotations

from typing import ClassVar

from archlab.layers.activation import InplaceActivation
from archlab.layers.room import KEEPS_OUTPUT
from archlab.layers.runtime import Runtime


class ReLU(InplaceActivation):
    """max(0, x). FLOPs: 1 (the comparison)."""

    type: ClassVar[str] = "relu"
    runs: ClassVar[Runtime] = Runtime(training=KEEPS_OUTPUT, gradient_layout="kept")
    alias: ClassVar[str] = "relu"
    torch_class: ClassVar[str] = "ReLU"
