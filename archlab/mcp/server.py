"""The server: the tools over stdin and stdout. The SDK of the Model Context Protocol is imported here only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

import anyio
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import Problem
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import listed
from archlab.mcp.answers import failure
from archlab.mcp.instructions import INSTRUCTIONS
from archlab.mcp.pool import Pool, pool
from archlab.mcp.tool import Answer
from archlab.mcp.tools import TOOLS
from archlab.version import __version__

Context: TypeAlias = ServerRequestContext[Any]


def serve(root: Path, limit: float) -> None:
    """Answer until stdin is closed.

    Args:
        root: the folder whose configs may be read.
        limit: seconds of one call.
    """
    anyio.run(_serve, root, limit)


async def _serve(root: Path, limit: float) -> None:
    async with pool(root, limit) as workers, stdio_server() as (requests, answers):
        server = made_server(workers)
        await server.run(requests, answers, server.create_initialization_options())


def made_server(workers: Pool) -> Server[Any]:
    """The server with its tools."""

    async def list_tools(_context: Context, _page: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_listed(name) for name in TOOLS])

    async def call_tool(_context: Context, call: CallToolRequestParams) -> CallToolResult:
        if call.name not in TOOLS:
            hint = did_you_mean(call.name, TOOLS) or f"; there are {listed(TOOLS)}"
            problem = Problem(f"there is no tool '{call.name[:80]}'{hint}", Code.UNKNOWN)
            return _result(failure([problem]), ok=False)
        ok, answer = await workers.answer(call.name, call.arguments or {})
        return _result(answer, ok=ok)

    return Server(
        "archlab",
        version=__version__,
        title="archlab",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _listed(name: str) -> Tool:
    tool = TOOLS[name]
    annotations = ToolAnnotations(title=tool.title, read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    return Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.listed_schema,
        annotations=annotations,
    )


def _result(answer: Answer, *, ok: bool) -> CallToolResult:
    text = json.dumps(answer, allow_nan=False)
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=answer, is_error=not ok)
