"""Why tools print different numbers for one network: each tool's rule as coefficients over counted terms."""

from __future__ import annotations

from archlab.explain.counting.count import Counting, ToolCount, count
from archlab.explain.counting.rules import TOOLS, Tool

__all__ = ["TOOLS", "Counting", "Tool", "ToolCount", "count"]
