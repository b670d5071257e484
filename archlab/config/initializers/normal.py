"""Normal and uniform distributions."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from archlab.config.initializers.base import Finite, Initializer


class Normal(Initializer):
    """Normal distribution."""

    type: ClassVar[str] = "normal"
    mean: Finite = 0.0
    std: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0


class TruncNormal(Normal):
    """Normal distribution cut off at a and b."""

    type: ClassVar[str] = "trunc_normal"
    a: Finite = -2.0
    b: Finite = 2.0


class Uniform(Initializer):
    """Uniform distribution from a to b."""

    type: ClassVar[str] = "uniform"
    a: Finite = 0.0
    b: Finite = 1.0
