"""`expect`: exact figures and limits written in a config, checked against the analysis."""

from __future__ import annotations

from archlab.analysis.limits import AxisCountError, Finding, State, judge
from archlab.analysis.result import Analysis
from archlab.config.syntax.yaml_nodes import Mapping
from archlab.config.tree.expect import Expectation, read_expect
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import Problems
from archlab.diagnostics.words import counted
from archlab.report.limits import limit_problem


def check_expect(expect: Mapping, analysis: Analysis, problems: Problems) -> list[Finding]:
    """Record every figure that is not as it is expected, under the analysis' conditions.

    Returns:
        What was compared, in the order of the text.
    """
    return check_expectations(read_expect(expect, problems), analysis, problems)


def check_expectations(expected: list[Expectation], analysis: Analysis, problems: Problems) -> list[Finding]:
    """The same of what has been read."""
    found: list[Finding] = []
    for expectation in expected:
        try:
            findings = judge(analysis, expectation)
        except AxisCountError as error:
            axes = counted(error.axes, "axis", "axes")
            message = f"expect: '{expectation.figure}' has {len(expectation.wanted)} values, but the input has {axes}"
            problems.add(message, Code.WRONG_TYPE, expectation.place)
            continue
        for finding in findings:
            if finding.state is not State.HOLDS:
                problem = limit_problem(analysis.graph.name, finding, expectation.place_of(finding.axes))
                problems.add(problem.message, problem.code, problem.place, problem.trail)
        found += findings
    return found
