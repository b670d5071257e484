"""A process that answers the page's questions, one after the other: a line of JSON in, a line of JSON out.

It is apart from the server, so that a question which takes too long can be ended, whatever it is at.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

from archlab.studio.answer import answer

MOST_ANSWER = 16_000_000
"""Bytes of one answer: a report of a large network is the longest."""
GRACE = 5
"""Seconds beyond the time limit after which the process ends itself, if nobody is left to end it."""


def line_of(request: bytes, file: Path | None) -> bytes:
    """The answer to a line."""
    try:
        asked = json.loads(request, parse_constant=_no_number)
        line = _encoded(answer(asked["method"], asked["request"], file))
    except RecursionError:
        line = _encoded({"error": "the request is nested too deeply"})
    except ValueError as error:  # no JSON: the server has looked at the line around it
        line = _encoded({"error": f"the request is no JSON: {error}"[:300]})
    except Exception as error:  # noqa: BLE001 - a fault of archlab's own, which must not end the server
        sys.stderr.write(f"archlab studio: {type(error).__name__}: {error}\n"[:1000])
        line = _encoded({"error": f"archlab failed ({type(error).__name__}); this is a fault of archlab"})
    if len(line) > MOST_ANSWER:
        return _encoded({"error": "the answer is too long for a page; use the command line"})
    return line


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _encoded(found: dict[str, Any]) -> bytes:
    text = json.dumps(found, allow_nan=False, ensure_ascii=False)
    return text.encode(errors="replace") + b"\n"  # half of a character from a text of strangers is no text


def serve(file: Path | None, limit: float, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more requests."""
    for request in requests:
        _end_after(limit + GRACE)
        line = line_of(request, file)
        _end_after(0)
        answers.write(line)
        answers.flush()


def _end_after(seconds: float) -> None:
    """End the process then; 0 for never."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def main() -> None:
    """The process: its time limit and its file, if there is one, are its arguments."""
    limit, *files = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends it
    gc.set_threshold(100_000)  # a process that goes on is no single run
    serve(Path(files[0]) if files else None, float(limit), sys.stdin.buffer, answers)
