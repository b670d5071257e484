"""Programs whose stdout or stderr is a pseudo-terminal, as a person's is."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from collections.abc import Mapping, Sequence
from select import select
from typing import Literal


def in_terminal(
    command: Sequence[str], stream: Literal["stdout", "stderr"], environment: Mapping[str, str]
) -> tuple[int, str]:
    """The exit status of a command, and what it wrote to a terminal.

    Args:
        command: with its arguments.
        stream: which of its streams is the terminal.
        environment: all of its variables.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, env=dict(environment), **{stream: theirs})  # type: ignore[call-overload]
    os.close(theirs)
    parts: list[bytes] = []
    while part := _read(ours):
        parts.append(part)
    os.close(ours)
    return int(process.wait()), b"".join(parts).decode()


def _read(end: int) -> bytes:
    """What is there next; nothing once the other end is closed."""
    try:
        return os.read(end, 65536)
    except OSError:
        return b""


class Shell:
    """An interactive shell in a pseudo-terminal, that keys are typed into.

    Args:
        command: that starts it.
        environment: all of its variables.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._end, theirs = pty.openpty()
        self._process = subprocess.Popen(
            command, env=dict(environment), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)

    def type(self, keys: str, until: str, seconds: float = 60) -> str:
        """Type keys, and wait until a text is seen behind them.

        Returns:
            What was written, up to there or to the end of the time.
        """
        os.write(self._end, keys.encode())
        seen = ""
        end = time.monotonic() + seconds
        while until not in seen and time.monotonic() < end:
            if select([self._end], [], [], 0.2)[0]:
                part = _read(self._end)
                if not part:
                    break
                seen += part.decode(errors="replace")
        return seen

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        os.close(self._end)
