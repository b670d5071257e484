"""Smooth gates of the input by itself: SiLU and its kin."""

from __future__ import annotations

from math import prod
from typing import ClassVar, Literal

from pydantic import Field

from archlab.layers.activation import Activation, InplaceActivation
from archlab.layers.base import Cost
from archlab.layers.shape import Shape


class GELU(Activation):
    """x * Phi(x), with the normal distribution function (Hendrycks & Gimpel 2016). FLOPs: 5 (erf) or 8 (tanh)."""

    type: ClassVar[str] = "gelu"
    alias: ClassVar[str] = "gelu"
    torch_class: ClassVar[str] = "GELU"

    approximate: Literal["none", "tanh"] = Field("none", description="Exact, or with tanh.")

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """0.5 * x * (1 + erf(x / sqrt(2))), or the tanh form."""
        return Cost(elementwise=(5 if self.approximate == "none" else 8) * prod(output))


class SiLU(InplaceActivation):
    """x * sigmoid(x), also called Swish. FLOPs: 5."""

    type: ClassVar[str] = "silu"
    alias: ClassVar[str] = "silu"
    torch_class: ClassVar[str] = "SiLU"
    flops_per_element: ClassVar[int] = 5


class Mish(InplaceActivation):
    """x * tanh(softplus(x)) (Misra 2019). FLOPs: 5."""

    type: ClassVar[str] = "mish"
    alias: ClassVar[str] = "mish"
    torch_class: ClassVar[str] = "Mish"
    flops_per_element: ClassVar[int] = 5


class Hardswish(InplaceActivation):
    """x * min(max(0, x + 3), 6) / 6 (Howard et al. 2019). FLOPs: 5."""

    type: ClassVar[str] = "hardswish"
    alias: ClassVar[str] = "hardswish"
    torch_class: ClassVar[str] = "Hardswish"
    flops_per_element: ClassVar[int] = 5
