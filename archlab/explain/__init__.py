"""Explanations for people who learn: one layer's formulas with its numbers, its matrix, and why tools disagree.

Nothing here computes a number of the analysis anew: each line's result is the analysis' own, and the tests
evaluate the line with the numbers put in and compare.
"""

from __future__ import annotations

from archlab.explain.block import Block, BlockExplanation, explain_block, find_block
from archlab.explain.counting import Counting, count
from archlab.explain.layer import Explanation, explain, explain_layer
from archlab.explain.overview import Overview, overview

__all__ = [
    "Block",
    "BlockExplanation",
    "Counting",
    "Explanation",
    "Overview",
    "count",
    "explain",
    "explain_block",
    "explain_layer",
    "find_block",
    "overview",
]
