"""The process that answers, each question within a time limit; one that takes longer is ended, and the next is new."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock, Timer

_PACKAGES = Path(__file__).resolve().parents[3]
_PROGRAM = "import sys; sys.path.append(sys.argv.pop(1)); from archlab.studio.host.worker import main; main()"
"""With -P, so that nothing in the current folder is imported."""
LIMIT = 30.0
"""Seconds."""


class Answering:
    """One process, which answers one question at a time.

    Attributes:
        limit: seconds of a question.
    """

    def __init__(self, file: Path | None, limit: float = LIMIT) -> None:
        self.limit = limit
        self._file = file
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = Lock()
        self._is_closed = False

    def start(self) -> None:
        """Have it before the first question."""
        with self._turn:
            self._running()

    def ask(self, method: str, request: bytes) -> bytes | None:
        """The answer as JSON; None where it took too long, or the process ended.

        Args:
            method: what is asked.
            request: its arguments as JSON, on any number of lines.
        """
        line = b'{"method": %s, "request": %s}\n' % (json.dumps(method).encode(), _on_one_line(request))
        with self._turn:
            process = self._running()
            if process is None:
                return None
            assert process.stdin is not None
            assert process.stdout is not None
            timer = Timer(self.limit, process.kill)
            timer.daemon = True
            timer.start()
            found = b""
            try:
                process.stdin.write(line)
                process.stdin.flush()
                found = process.stdout.readline()
            except OSError:
                pass
            finally:
                timer.cancel()
            if not found.endswith(b"\n"):
                self._end()
                return None
            return found

    def close(self) -> None:
        """End it, also while it is at work."""
        self._is_closed = True
        process = self._process
        if process is not None:
            with suppress(OSError):
                process.kill()
        with self._turn:
            self._end()

    def _running(self) -> subprocess.Popen[bytes] | None:
        if self._is_closed:
            return None
        if self._process is not None and self._process.poll() is not None:
            self._end()
        if self._process is None:
            file = [] if self._file is None else [str(self._file)]
            command = [sys.executable, "-P", "-c", _PROGRAM, str(_PACKAGES), str(self.limit), *file]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - own
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):  # what it was not sent
                    stream.close()
        process.wait()


def _on_one_line(request: bytes) -> bytes:
    """JSON has line ends between its parts only."""
    return request.replace(b"\r", b" ").replace(b"\n", b" ")
