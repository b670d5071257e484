"""The process that answers, each question within a time limit; one that takes longer is ended, and the next is new."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock, Thread

_PACKAGES = Path(__file__).resolve().parents[3]
_PROGRAM = "import sys; sys.path.append(sys.argv.pop(1)); from archlab.studio.host.worker import main; main()"
"""With -P, so that nothing in the current folder is imported."""
LIMIT = 30.0
"""Seconds."""
LOOK = 0.5
"""Seconds between looks at whether anyone still waits; a process is soon done with most questions, and not ended."""


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

    def ask(self, method: str, request: bytes, is_gone: Callable[[], bool] = lambda: False) -> bytes | None:
        """The answer as JSON; None where it took too long, nobody waits any more, or the process ended.

        Args:
            method: what is asked, a name.
            request: its arguments as JSON, on any number of lines.
            is_gone: whether nobody waits any more; asked while the process is at work.
        """
        line = b"%s %s\n" % (method.encode(), _on_one_line(request))
        with self._turn:
            process = self._running()
            if process is None:
                return None
            assert process.stdin is not None
            assert process.stdout is not None
            found = b""
            with suppress(OSError), self._ended_in_time(process, is_gone):
                process.stdin.write(line)
                process.stdin.flush()
                found = process.stdout.readline()
            if not found.endswith(b"\n"):
                self._end()
                return None
            return found

    @contextmanager
    def _ended_in_time(self, process: subprocess.Popen[bytes], is_gone: Callable[[], bool]) -> Iterator[None]:
        """End the process where what is done in the block takes too long, or nobody waits for it."""
        done = Event()
        deadline = time.monotonic() + self.limit

        def watch() -> None:
            while not done.wait(min(LOOK, max(deadline - time.monotonic(), 0))):
                if time.monotonic() >= deadline or is_gone():
                    process.kill()
                    return

        thread = Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

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
