"""A layer that changes nothing."""

from __future__ import annotations

from typing import ClassVar

from archlab.layers.base import Layer, Storage
from archlab.layers.room import SHARES, Training
from archlab.layers.shape import Shape


class Identity(Layer):
    """The input, unchanged."""

    type: ClassVar[str] = "identity"
    alias: ClassVar[str] = "identity"
    torch_class: ClassVar[str] = "Identity"

    @property
    def storage(self) -> Storage:
        """The input itself."""
        return "view"

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """Nothing."""
        return SHARES
