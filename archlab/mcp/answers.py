"""Results and problems as the answers of tools."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archlab.diagnostics.forms import problem_dict
from archlab.diagnostics.hint import hint_of, meant_by
from archlab.diagnostics.place import printable
from archlab.diagnostics.problem import Problem
from archlab.diagnostics.spelling import Spelling

_LONGEST_LINE = 400


class ArgumentSpelling(Spelling):
    """Arguments as a tool has them."""

    layers = "the tool analyze with layers: true"

    def argument(self, name: str, value: object = None) -> str:
        """`batch: 2`."""
        return f"'{name}'" if value is None else f"{name}: {value}"

    def param(self, name: str) -> str:
        """As `params` takes it."""
        return f'params: {{"{name}": ...}}'


def problem_answer(problem: Problem) -> dict[str, Any]:
    """A problem for a program that is to mend it: `problem_dict` with the hint by itself and the line of the text."""
    line = "" if problem.place is None else problem.place.source.line(problem.place.line)
    return {
        **problem_dict(problem),
        "message": printable(problem.message),
        "hint": hint_of(problem.message),
        "did_you_mean": meant_by(problem.message),
        "source_line": printable(line[:_LONGEST_LINE]) or None,
    }


def failure(problems: Iterable[Problem]) -> dict[str, Any]:
    """The answer of a call that has no result."""
    return {"problems": [problem_answer(problem) for problem in problems]}
