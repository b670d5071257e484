"""Constants."""

from __future__ import annotations

from typing import ClassVar

from archlab.config.initializers.base import Finite, Initializer


class Constant(Initializer):
    """One value."""

    type: ClassVar[str] = "constant"
    val: Finite


class Zeros(Initializer):
    """All zero."""

    type: ClassVar[str] = "zeros"


class Ones(Initializer):
    """All one."""

    type: ClassVar[str] = "ones"
