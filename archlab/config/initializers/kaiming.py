"""Distributions scaled by the fan."""

from __future__ import annotations

from typing import ClassVar, Literal

from archlab.config.initializers.base import Finite, Initializer


class _Kaiming(Initializer):
    needs_matrix: ClassVar[bool] = True
    a: Finite = 0.0
    mode: Literal["fan_in", "fan_out"] = "fan_in"
    nonlinearity: Literal["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"] = "leaky_relu"


class KaimingNormal(_Kaiming):
    """Normal distribution scaled by the fan (He et al. 2015)."""

    type: ClassVar[str] = "kaiming_normal"


class KaimingUniform(_Kaiming):
    """Uniform distribution scaled by the fan (He et al. 2015)."""

    type: ClassVar[str] = "kaiming_uniform"
