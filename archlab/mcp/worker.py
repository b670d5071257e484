"""A process that answers calls, one after the other: a line of JSON in, a line of JSON out.

It is apart from the server, so that a call which takes too long can be ended, whatever it is at.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, Problem
from archlab.diagnostics.requirements import MissingRequirementError
from archlab.diagnostics.spelling import spelled
from archlab.mcp.answers import ArgumentSpelling, failure
from archlab.mcp.arguments import argument_problems
from archlab.mcp.folder import Folder
from archlab.mcp.tool import Answer
from archlab.mcp.tools import TOOLS

MOST_ANSWER = 1_000_000
"""Bytes of one answer."""
GRACE = 5
"""Seconds beyond the time limit after which the process ends itself, if nobody is left to end it."""


def answered(folder: Folder, name: str, arguments: dict[str, Any]) -> tuple[bool, Answer]:
    """Whether a call has a result, and the result or what is wrong with the call."""
    tool = TOOLS[name]
    problems = argument_problems(tool, arguments)
    if problems:
        return False, failure(problems)
    try:
        with spelled(ArgumentSpelling()):
            return True, tool.run(folder, arguments)
    except ConfigError as error:
        return False, failure(error.problems)
    except MissingRequirementError as error:
        return False, failure([Problem(str(error), Code.UNSUPPORTED)])
    except (MemoryError, RecursionError):
        return False, failure([Problem("the call needs more memory than there is", Code.TOO_LARGE)])


def line_of(folder: Folder, request: bytes) -> bytes:
    """The answer to a line."""
    call = json.loads(request)
    name = call["tool"]
    try:
        ok, answer = answered(folder, name, call["arguments"])
        line = _encoded(ok, answer)
    except Exception as error:  # noqa: BLE001 - a fault of archlab's own, which must not end the server
        sys.stderr.write(f"archlab mcp: {name}: {type(error).__name__}: {error}\n")
        message = f"archlab failed in {name} ({type(error).__name__}); this is a fault of archlab, not of the config"
        line = _encoded(False, {"problems": [{"code": "internal", "message": message, "level": "error", "hint": None}]})
    if len(line) > MOST_ANSWER:
        message = (
            f"the answer of {name} has {len(line):,} bytes, more than the {MOST_ANSWER:,} that one may have; ask for "
            "less: analyze with under or depth in place of layers, or use the command line"
        )
        line = _encoded(False, failure([Problem(message, Code.TOO_LARGE)]))
    return line


def _encoded(ok: bool, answer: Answer) -> bytes:  # noqa: FBT001
    text = json.dumps({"ok": ok, "answer": answer}, allow_nan=False, ensure_ascii=False)
    return text.encode(errors="replace") + b"\n"  # half of a character from a text of strangers is no text


def serve(folder: Folder, limit: float, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more requests."""
    for request in requests:
        _end_after(limit + GRACE)
        line = line_of(folder, request)
        _end_after(0)
        answers.write(line)
        answers.flush()


def _end_after(seconds: float) -> None:
    """End the process then; 0 for never."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def main() -> None:
    """The process: its folder and its time limit are its arguments."""
    root, limit = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends it
    serve(Folder(Path(root)), float(limit), sys.stdin.buffer, answers)
