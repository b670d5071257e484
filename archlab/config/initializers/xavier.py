"""Distributions scaled by both fans."""

from __future__ import annotations

from typing import ClassVar

from archlab.config.initializers.base import Finite, Initializer


class _Xavier(Initializer):
    needs_matrix: ClassVar[bool] = True
    gain: Finite = 1.0


class XavierNormal(_Xavier):
    """Normal distribution scaled by both fans (Glorot & Bengio 2010)."""

    type: ClassVar[str] = "xavier_normal"


class XavierUniform(_Xavier):
    """Uniform distribution scaled by both fans (Glorot & Bengio 2010)."""

    type: ClassVar[str] = "xavier_uniform"
