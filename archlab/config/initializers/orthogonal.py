"""Orthogonal matrices."""

from __future__ import annotations

from typing import ClassVar

from archlab.config.initializers.base import Finite, Initializer


class Orthogonal(Initializer):
    """A (semi-)orthogonal matrix (Saxe et al. 2013)."""

    type: ClassVar[str] = "orthogonal"
    needs_matrix: ClassVar[bool] = True
    gain: Finite = 1.0
