"""What is wrong with a text, for the page: places, what to write instead, and edits that do it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from archlab.api.expect import check_expect
from archlab.config.syntax.yaml_nodes import Mapping
from archlab.config.tree.document import Document
from archlab.config.tree.figures import Limit
from archlab.diagnostics.hint import hint_of
from archlab.diagnostics.place import printable
from archlab.diagnostics.problem import ConfigError, Problem, Problems, TooManyProblemsError
from archlab.editor.actions import actions
from archlab.editor.diagnose import Related, diagnoses, related, remarks, shown_at
from archlab.editor.snapshot import Snapshot
from archlab.report.limits import value_text, wanted_text
from archlab.studio.positions import Row, stretch, within

LONGEST = 2_000
"""Characters of a message."""
LONGEST_PROBLEMS = 100_000
"""Characters of all problems."""


def found_problems(snapshot: Snapshot, *, all_variants: bool) -> list[Problem]:
    """Of the network that is shown, or of all of a config, with what design rules find."""
    if all_variants:
        *_, last = diagnoses(snapshot)
        return last
    if snapshot.network is None:
        return snapshot.problems
    if snapshot.analysis is None:
        try:
            snapshot.network.analyze()
        except ConfigError as error:
            return error.problems
    expected: list[Problem] = [] if snapshot.settings else _expected(snapshot)[1]
    return [*expected, *remarks(snapshot)]


def problem_rows(problems: Iterable[Problem], snapshot: Snapshot) -> list[Row]:
    """The first of them, as the page shows them."""
    return within((_row(problem, snapshot) for problem in problems), LONGEST_PROBLEMS)


def _row(problem: Problem, snapshot: Snapshot) -> Row:
    place, message = shown_at(problem, snapshot)
    return {
        "severity": problem.code.level,
        "code": str(problem.code),
        "message": printable(message)[:LONGEST],
        "hint": hint_of(problem.message),
        **stretch(place),
        "page": problem.code.page,
        "related": [_related(part, snapshot) for part in related(problem, snapshot)],
        "trail": [printable(step)[:LONGEST] for step in problem.trail],
        "fixes": [
            {"title": action.title, "edits": [{**stretch(action.place), "text": action.text}]}
            for action in actions(problem, snapshot)
        ],
    }


def _related(part: Related, snapshot: Snapshot) -> Row:
    """A line that the problem came about through; None for the line of another file."""
    is_here = str(part.path) == snapshot.source.name
    place = {"line": part.line, "column": 0, "file": None} if is_here else {"line": None, "file": part.path.name}
    return {"message": printable(part.message)[:LONGEST], **place}


def budget_rows(snapshot: Snapshot) -> list[Row]:
    """Each figure of `expect` beside what it is."""
    return _expected(snapshot)[0]


def _expected(snapshot: Snapshot) -> tuple[list[Row], list[Problem]]:
    """The figures, and what is wrong with them."""
    document = snapshot.document
    expect = None if document is None else _expect_of(document, snapshot)
    if expect is None or snapshot.analysis is None:
        return [], []
    problems, rows = Problems(), []
    with suppress(TooManyProblemsError):
        for finding in check_expect(expect, snapshot.analysis, problems):
            relation = f", which must be {wanted_text(finding)}"
            if finding.state == "holds" and not isinstance(finding.wanted, Limit):
                relation = ", as expected"
            rows.append(
                {
                    "figure": finding.figure,
                    "text": f"{finding.figure} {value_text(finding)}{relation}",
                    "met": finding.state == "holds",
                    "line": expect.place.line if expect.place.source is snapshot.source else None,
                }
            )
    return rows, problems.found


def _expect_of(document: Document, snapshot: Snapshot) -> Mapping | None:
    return document.expect if snapshot.variant is None else snapshot.variant.expect
