"""`archlab check`: a network held to limits, and to the `expect` of its config."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from typing import Any, Protocol

from archlab.analysis import Analysis
from archlab.analysis.conditions import Conditions
from archlab.analysis.limits import Finding, State, judge_limit
from archlab.api.expect import check_expectations
from archlab.config.tree.document import Document, Variant
from archlab.config.tree.expect import read_expect
from archlab.config.tree.figures import FigureLimit
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import printable
from archlab.diagnostics.problem import Problem, Problems, TooManyProblemsError
from archlab.diagnostics.words import counted
from archlab.graph import Graph
from archlab.report.limits import limit_dict, limit_lines, limit_problem


class Held(Protocol):
    """A network with its config."""

    document: Document
    variant: Variant | None
    graph: Graph

    def analyze(self, conditions: Conditions | None = None, /) -> Analysis:
        """All numbers of it."""


@dataclass(slots=True)
class Checked:
    """What was found of one network.

    Attributes:
        target: as given.
        name: of the network; the target where there is none.
        findings: each limit and exact figure beside what is.
        problems: of the config, and what does not hold.
        passed_over: exact figures of `expect` that were not compared, since they are of the network as written.
    """

    target: str
    name: str
    findings: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether all holds."""
        return not self.problems

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        """For notebooks."""
        return f"<pre>{escape(self.text())}</pre>"

    def __repr__(self) -> str:
        held = "ok" if self.ok else counted(len(self.problems), "problem")
        return f"<Checked {printable(self.name)}: {held}>"

    def text(self) -> str:
        """Its problems; a line for each limit where there are none."""
        if self.problems:
            return "\n".join([problem.render() for problem in self.problems])
        return "\n".join([f"{self.name}: ok", *limit_lines(self.findings)])

    def to_dict(self) -> dict[str, Any]:
        """Each limit with its figure, for programs."""
        return {
            "network": self.name,
            "limits": [limit_dict(finding) for finding in self.findings],
            "passed_over": self.passed_over,
        }


def check(
    target: str, network: Held, limits: Sequence[FigureLimit], conditions: Conditions, *, as_written: bool
) -> Checked:
    """Hold a network to limits and to its `expect`.

    Args:
        target: as given.
        network: that it names.
        limits: beside those of its config.
        conditions: batch, dtype and how it is trained.
        as_written: whether its params, its input and the conditions are those for which `expect` has exact figures;
            if not, only its limits are looked at.
    """
    checked = Checked(target, network.graph.name)
    problems, analysis = Problems(), network.analyze(conditions)
    expect = network.document.expect if network.variant is None else network.variant.expect
    if expect is not None:
        with suppress(TooManyProblemsError):  # those that there are by then are told
            expected = read_expect(expect, problems)
            kept = [entry for entry in expected if as_written or not entry.is_exact]
            checked.passed_over = [entry.figure for entry in expected if entry not in kept]
            checked.findings += check_expectations(kept, analysis, problems)
    file = target if target == network.document.source.name else target.rpartition("@")[0]
    given = [judge_limit(analysis, limit.figure, limit.limit) for limit in limits]
    checked.findings += given
    checked.problems = [
        *sorted(problems.found, key=lambda problem: problem.sort_key),
        *[limit_problem(network.graph.name, found, file=file) for found in given if found.state is not State.HOLDS],
    ]
    if not checked.findings and not checked.problems:
        checked.problems = [
            Problem(f"{network.graph.name}: there is nothing to check it for{_hint(checked)}", Code.MISSING)
        ]
    return checked


def _hint(checked: Checked) -> str:
    if checked.passed_over:
        return (
            "; the exact figures of its 'expect' are those of the network as written, and are not compared under "
            "options that change it; give a limit"
        )
    return "; give a limit, or write one into the config: expect: {macs: <= 60M}"
