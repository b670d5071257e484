"""What a sweep has done so far, beside the file that it will write: one line of JSON for each piece of work."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import Problem, single_problem
from archlab.sweep.figures import SUMS, Designs, Seen, packed
from archlab.version import __version__


class Journal:
    """The pieces that are done.

    A line that was cut off when the process ended is left out, and its piece is done again.

    Args:
        path: of the result; the journal is beside it.
        question: what is asked, in full: a journal of another sweep is refused.
    """

    def __init__(self, path: Path, question: str) -> None:
        self._path = path.with_name(f"{path.name}.part")
        self._key = sha256(f"{__version__}\n{question}".encode()).hexdigest()
        self.done: dict[int, Designs] = {}
        try:
            self._open()
        except OSError as error:
            raise single_problem(f"cannot write {self._path}: {error.strerror}", Code.UNWRITABLE) from None

    def _open(self) -> None:
        known = self._path.read_bytes() if self._path.exists() else b""
        lines, _, _cut = known.rpartition(b"\n")
        if not lines:
            self._path.write_text(json.dumps({"sweep": self._key}) + "\n")
            return
        head, *entries = lines.split(b"\n")
        if _loaded(head).get("sweep") != self._key:
            message = f"{self._path} is of another sweep; remove it, or write to another file"
            raise single_problem(message, Code.WRONG_VALUE)
        for entry in entries:
            row = _loaded(entry)
            if row:
                self.done[row["task"]] = _designs(row)
        self._path.write_bytes(lines + b"\n")

    def add(self, task: int, designs: Designs) -> None:
        """Keep what a piece has given."""
        row = {
            "task": task,
            "numbers": list(designs.numbers),
            "columns": [list(designs.columns[name]) for name in SUMS],
            "seen": [[None if one is None else [one[0], str(one[1])] for one in seen] for seen in designs.seen],
            "invalid": designs.invalid,
            "problems": [[number, problem.message] for number, problem in designs.problems],
            "entire": designs.entire,
            "reason": designs.reason,
            "checked": designs.checked,
        }
        with self._path.open("a") as file:
            file.write(json.dumps(row, separators=(",", ":")) + "\n")

    def close(self) -> None:
        """All is done: nothing is left to go on with."""
        self._path.unlink(missing_ok=True)


def _loaded(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def _designs(row: dict[str, Any]) -> Designs:
    return Designs(
        packed(row["numbers"]),
        {name: packed(column) for name, column in zip(SUMS, row["columns"], strict=True)},
        [_seen(seen) for seen in row["seen"]],
        row["invalid"],
        [(number, Problem(message, Code.WRONG_VALUE)) for number, message in row["problems"]],
        row["entire"],
        row["reason"],
        row["checked"],
    )


def _seen(axes: Sequence[Any]) -> Seen:
    return tuple([None if axis is None else (axis[0], _number(axis[1])) for axis in axes])


def _number(text: str) -> int | Fraction:
    value = Fraction(text)
    return int(value) if value.denominator == 1 else value
