"""The server as a process of its own, spoken to by the SDK's client: tools, repairs, bounds, and its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from archlab.mcp.tools import TOOLS
from tests.command import run
from tests.mcp.repair import repair
from tests.mcp.slow import SLOW

pytest.importorskip("mcp", reason="the extra mcp is not installed")
pytest.importorskip("mcp_types", reason="an older mcp is installed")

import anyio
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client

ROOT = Path(__file__).parents[2]
BAD = ROOT / "tests" / "bad_configs"
REPAIRED = [
    "unknown_option", "torch_class_name", "unknown_block", "norms_by_other_names", "unknown_top_level_key",
    "missing_required_option", "in_channels_written", "linear_without_flatten", "conv_on_channels_last",
    "inplace_on_a_shared_value", "number_in_quotes", "pool_padding_too_large", "unknown_shortcut",
    "stochastic_depth_without_mode",
]  # fmt: skip
"""Bad configs that a program mends by the answers alone."""
Call = Callable[..., Awaitable[dict[str, Any]]]


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[Client]:
    program = StdioServerParameters(
        command=sys.executable,
        args=["-m", "archlab", "mcp", "--folder", str(folder)],
        env={"PYTHONPATH": python_path()},
    )
    async with Client(stdio_client(program)) as client:
        yield client


async def asked(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The answer, whether it is a result or problems; as text it is the same."""
    result = await client.call_tool(tool, arguments)
    found = result.structured_content
    assert json.loads(result.content[0].text) == found
    assert result.is_error == (found.keys() == {"problems"})
    return found  # type: ignore[no-any-return]


def test_a_session(capsys: pytest.CaptureFixture[str]) -> None:
    totals = {}
    for name in ("resnet50", "mobilenet_v2", "unet", "convnext_tiny"):
        _, out, _ = run(capsys, "analyze", name, "--format", "json")
        totals[name] = json.loads(out)["total"]

    async def session() -> None:
        async with connected(ROOT) as client:
            ask = partial(asked, client)
            await lists_its_tools(client)
            for name, total in totals.items():
                assert (await ask("analyze", {"config": name}))["total"] == total
            for name in REPAIRED:
                await is_repaired(name, ask)
            await refuses(ask)
            await answers_two_calls_at_once(ask)

    anyio.run(session)


async def lists_its_tools(client: Client) -> None:
    listed = (await client.list_tools()).tools
    assert [tool.name for tool in listed] == list(TOOLS)
    for tool in listed:
        assert "Returns" in tool.description
        assert tool.annotations.read_only_hint
        assert tool.input_schema["type"] == "object"
        assert all(option["description"] for option in tool.input_schema["properties"].values())


async def is_repaired(name: str, ask: Call) -> None:
    text = (BAD / f"{name}.yaml").read_text()
    assert not (await ask("validate", {"text": text}))["ok"]
    mended, done = await repair(text, ask)
    assert (await ask("validate", {"text": mended}))["ok"], (name, mended, done)
    assert (await ask("analyze", {"text": mended}))["layer_count"] > 0


async def refuses(ask: Call) -> None:
    for name in ("../x.yaml", "/etc/passwd", "os.path:join", "-", "/dev/stdin", "\0"):
        (problem,) = (await ask("analyze", {"config": name}))["problems"]
        assert problem["code"] == "unreadable"
    (problem,) = (await ask("validate", {"text": "# " + "x" * 3_000_000}))["problems"]
    assert problem["code"] == "too-large"
    (problem,) = (await ask("analize", {}))["problems"]
    assert problem["did_you_mean"] == "analyze"


async def answers_two_calls_at_once(ask: Call) -> None:
    """More than are worked on together: each gets its own answer."""
    names = ["resnet18", "resnet34", "vgg11", "alexnet", "resnet18"]
    found: dict[int, str] = {}

    async def one(number: int, name: str) -> None:
        found[number] = (await ask("analyze", {"config": name}))["name"]

    async with anyio.create_task_group() as group:
        for number, name in enumerate(names):
            group.start_soon(one, number, name)
    assert [found[number] for number in range(len(names))] == names


def test_it_ends_with_its_stdin_whatever_it_is_at(tmp_path: Path) -> None:
    """Its processes end with it, what is no message is passed over, and modules of its folder are not imported."""
    for module in ("json", "yaml", "mcp", "anyio", "archlab", "typing_extensions"):
        (tmp_path / f"{module}.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')")
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}
    small = {"name": "validate", "arguments": {"text": "input: [3]\nlayers: [{type: relu}]"}}
    messages: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": small},
    ]
    long = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "fit", "arguments": SLOW}}
    command = [sys.executable, "-P", "-m", "archlab", "mcp"]  # -P: as the program `archlab` runs
    environment = {**os.environ, "PYTHONPATH": python_path()}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=tmp_path, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"no message\n{}\n" + b"".join(json.dumps(one).encode() + b"\n" for one in messages))
        process.stdin.flush()
        answers: dict[Any, Any] = {}
        while 2 not in answers:
            answer = json.loads(process.stdout.readline())
            answers[answer.get("id")] = answer
        assert answers[1]["result"]["serverInfo"]["name"] == "archlab"
        assert answers[2]["result"]["structuredContent"]["ok"]
        process.stdin.write(json.dumps(long).encode() + b"\n")
        process.stdin.flush()
        time.sleep(0.3)
        workers = children(process.pid)
        assert workers
        process.stdin.close()
        started = time.monotonic()
        assert process.wait(20) == 0
        assert time.monotonic() - started < 10
        assert b"Traceback" not in process.stderr.read()
    assert not (tmp_path / "imported").exists()
    deadline = time.monotonic() + 10
    while any(map(is_running, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def python_path() -> str:
    """Archlab's folder and those that are set; no empty one, which would be the current folder."""
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
