"""Analyses: walks over a graph that never name a layer type, and their result."""

from __future__ import annotations

from archlab.analysis.result import Analysis, LayerReport, MemoryReport, Totals, analyze

__all__ = ["Analysis", "LayerReport", "MemoryReport", "Totals", "analyze"]
