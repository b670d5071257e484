"""A layer that changes nothing."""

from __future__ import annotations

from typing import ClassVar

from archlab.layers.base import Layer
from archlab.layers.runtime import VIEW, Runtime


class Identity(Layer):
    """The input, unchanged."""

    type: ClassVar[str] = "identity"
    alias: ClassVar[str] = "identity"
    torch_class: ClassVar[str] = "Identity"
    runs: ClassVar[Runtime] = VIEW
