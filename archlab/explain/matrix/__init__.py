"""A layer as a matrix that multiplies the flattened input."""

from __future__ import annotations

from archlab.explain.matrix.linear_map import Entry, LinearMap, linear_map

__all__ = ["Entry", "LinearMap", "linear_map"]
