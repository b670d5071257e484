"""Processes that answer calls, each call within a time limit; a process that takes longer is ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import Problem
from archlab.mcp.answers import failure
from archlab.mcp.tool import Answer
from archlab.mcp.worker import MOST_ANSWER

AT_ONCE = 2
"""Calls that are worked on together; more wait for their turn."""

_PACKAGES = Path(__file__).resolve().parents[2]
_PROGRAM = "import sys; sys.path.append(sys.argv.pop(1)); from archlab.mcp.worker import main; main()"
"""With -P, so that nothing in the current folder is imported."""


class Pool:
    """The processes.

    Attributes:
        limit: seconds of one call.
    """

    def __init__(self, root: Path, limit: float) -> None:
        self.limit = limit
        self._root = root
        self._idle: list[Process] = []
        self._running: set[Process] = set()
        self._turn = anyio.Semaphore(AT_ONCE)

    async def answer(self, tool: str, arguments: dict[str, Any]) -> tuple[bool, Answer]:
        """Whether the call has a result, and the result or what is wrong."""
        request = json.dumps({"tool": tool, "arguments": arguments}).encode() + b"\n"
        async with self._turn:
            process = await self._free()
            self._running.add(process)
            line = b""
            try:
                with anyio.move_on_after(self.limit) as scope:
                    line = await _exchanged(process, request)
            finally:  # also where the caller no longer waits
                self._running.discard(process)
                if line:
                    self._idle.append(process)
                else:
                    await _end(process)
        if line:
            found = json.loads(line)
            return found["ok"], found["answer"]
        return False, failure([self._without_answer(tool, is_late=scope.cancelled_caught)])

    def _without_answer(self, tool: str, *, is_late: bool) -> Problem:
        what = f"took more than {self.limit:g} seconds and was ended" if is_late else "ended without an answer"
        hint = "ask for less: a smaller config, fewer networks, or a smaller space"
        return Problem(f"the call of {tool} {what}; {hint}", Code.TOO_LARGE)

    async def _free(self) -> Process:
        while self._idle:
            process = self._idle.pop()
            if process.returncode is None:
                return process
        return await self._started()

    async def _started(self) -> Process:
        command = [sys.executable, "-P", "-c", _PROGRAM, str(_PACKAGES), str(self._root), str(self.limit)]
        return await anyio.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None)

    async def warm(self) -> None:
        """Have a process before the first call."""
        self._idle.append(await self._started())

    async def close(self) -> None:
        """End all of them."""
        for process in (*self._idle, *self._running):
            await _end(process)


@asynccontextmanager
async def pool(root: Path, limit: float) -> AsyncIterator[Pool]:
    """Processes that are ended with the block."""
    found = Pool(root, limit)
    try:
        await found.warm()
        yield found
    finally:
        await found.close()


async def _exchanged(process: Process, request: bytes) -> bytes:
    """The line that answers a request; empty where the process ends without one."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        await process.stdin.send(request)
        line: bytes = await BufferedByteReceiveStream(process.stdout).receive_until(b"\n", MOST_ANSWER + 1)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, anyio.IncompleteRead):
        return b""
    return line


async def _end(process: Process) -> None:
    """End a process, also where the caller no longer waits."""
    with suppress(ProcessLookupError):
        process.kill()
    with anyio.CancelScope(shield=True):
        await process.aclose()
