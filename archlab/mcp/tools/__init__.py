"""The tools, by name. To add one, write it beside the others and name it here."""

from __future__ import annotations

from archlab.mcp.tool import Tool
from archlab.mcp.tools.figures import ANALYZE, COMPARE, DIFF, EXPAND, EXPLAIN
from archlab.mcp.tools.known import LAYER_TYPES, PRESETS
from archlab.mcp.tools.problems import CHECK, LINT, VALIDATE
from archlab.mcp.tools.search import FIT

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (ANALYZE, VALIDATE, COMPARE, DIFF, CHECK, FIT, LINT, EXPLAIN, EXPAND, PRESETS, LAYER_TYPES)
}
