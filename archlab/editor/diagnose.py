"""What is wrong with a config, as `archlab validate` says it, and what design rules find in the network shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from archlab.api.remarks import subject_of
from archlab.api.validate import Validation, validated
from archlab.config.tree.presets import preset_folder
from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import Problem
from archlab.editor.snapshot import Snapshot
from archlab.files.unsaved import unsaved_texts
from archlab.lint.findings import Findings
from archlab.lint.rules import RULES
from archlab.lint.switches import switch_problems, switches

_STEP = re.compile(r"\bat line (\d+)(?: of (\S+))?$")
"""The end of a line of a trail (`config.expand.use`)."""


class Related(NamedTuple):
    """A line that a problem came about through.

    Attributes:
        path: of the file.
        line: from 0.
        message: the line of the trail.
    """

    path: Path
    line: int
    message: str


def diagnoses(snapshot: Snapshot) -> Iterator[list[Problem]]:
    """All problems found so far, after each network of the config and each design rule; the last list is all of them.

    A caller whose text has changed meanwhile goes on with the new one.
    """
    document = snapshot.document
    if document is None:
        yield snapshot.problems
        return
    result = Validation(snapshot.source.name)
    expanded = None if snapshot.settings else snapshot.expanded
    with unsaved_texts(snapshot.unsaved):
        for _ in validated(result, document, None, snapshot.read_problems, expanded):
            yield result.problems
    found: list[Problem] = []
    for found in remarked(snapshot):  # noqa: B007 - the last are all
        yield result.problems
    yield [*result.problems, *found]


def remarks(snapshot: Snapshot) -> list[Problem]:
    """What design rules find in the network that is shown; nothing of one that is wrong."""
    found: list[Problem] = []
    for found in remarked(snapshot):  # noqa: B007 - the last are all
        pass
    return found


def remarked(snapshot: Snapshot) -> Iterator[list[Problem]]:
    """The same rule by rule, so that the caller may stop between them."""
    document, analysis = snapshot.document, snapshot.analysis
    if document is None or analysis is None:
        return
    found = Findings(RULES.values())
    for _ in found.adding(subject_of(analysis, document, snapshot.variant, snapshot.settings)):
        yield found.problems
    yield [*switch_problems(switches(snapshot.source), RULES), *found.problems]


def related(problem: Problem, snapshot: Snapshot) -> list[Related]:
    """The places that a problem's trail names."""
    found: list[Related] = []
    for step in problem.trail:
        match = _STEP.search(step)
        if match:
            path = Path(match[2]) if match[2] else Path(snapshot.source.name)
            found.append(Related(path, int(match[1]) - 1, step))
    return found


def shown_at(problem: Problem, snapshot: Snapshot) -> tuple[Place, str]:
    """Where in this text a problem is shown, and its message; one in another file at the line that names that file."""
    place = problem.place
    if place is not None and place.source is snapshot.source:
        return place, problem.message
    around = snapshot.document.extends if snapshot.document is not None else None
    message = problem.message if place is None else f"{place.text}: {problem.message}"
    return around or Place(snapshot.source, 0, 0, 0, len(snapshot.source.line(0))), message


def file_of(place: Place) -> Path:
    """The file in which a place is: a preset's is known by its short name."""
    return path_of(place.source)


def path_of(source: Source) -> Path:
    """The file of a text."""
    path = Path(source.name)
    return path if path.is_absolute() else preset_folder() / path.name
