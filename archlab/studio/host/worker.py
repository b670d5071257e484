"""A process that answers the page's questions, one after the other: a line in, a line of JSON out.

It is apart from the server, so that a question which takes too long can be ended, whatever it is at.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from archlab.studio.door import ask

GRACE = 5
"""Seconds beyond the time limit after which the process ends itself, if nobody is left to end it."""


def line_of(request: bytes, file: Path | None) -> bytes:
    """The answer to a line, which is a method and, behind a space, its arguments."""
    method, _, arguments = request.decode().partition(" ")
    text = ask(method, arguments, file)
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
    serve(Path(files[0]) if files else None, float(limit), sys.stdin.buffer, answers)
