"""How limits look beside their figures: problems, lines and rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import inf
from typing import Any

from archlab.analysis.figure import Value
from archlab.analysis.heaviest import Part
from archlab.analysis.limits import Finding, State
from archlab.config.syntax.quantity import BYTES
from archlab.config.tree.expect import GLOBAL, Exact
from archlab.config.tree.figures import FIGURES, Limit
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import Problem
from archlab.layers.shape import AXIS_NAMES
from archlab.report.memory import WORDS
from archlab.report.units import binary


def limit_problem(network: str, finding: Finding, place: Place | None = None, *, file: str | None = None) -> Problem:
    """What is wrong, in a sentence; what weighs most in it, in the lines below.

    Args:
        network: its name.
        finding: a limit that is broken or that cannot be judged.
        place: where the limit is written; None on a command line.
        file: in which readers look for lines; by default that of the place.
    """
    file = place.source.name if place is not None else file
    figure, wanted = finding.figure, wanted_text(finding)
    exact = not isinstance(finding.wanted, Limit)
    if finding.state is State.UNKNOWN:
        message = f"{figure} is not known: {finding.measured.unknown}"
    elif exact:
        message = f"expected {figure} {wanted}, but it is {_listed([_exact_text(finding, v) for v in _shown(finding)])}"
    else:
        message = f"{figure} must be {wanted}, but {_excess_text(finding)}"
    lines = [_part_text(part, figure, file) for part in finding.parts]
    return Problem(f"{network}: {message}", Code.EXPECT if exact else Code.LIMIT, place, tuple(lines))


def _excess_text(finding: Finding) -> str:
    """`it is 112, 12 (12.0%) above it`."""
    assert isinstance(finding.wanted, Limit)
    assert finding.worst is not None
    assert finding.value is not None
    assert finding.excess is not None
    ranges = finding.measured.ranges
    it = "it" if len(set(ranges)) == 1 else f"along the {AXIS_NAMES[len(ranges)][finding.worst]} it"
    if finding.value == inf:
        return f"{it} is {GLOBAL}: every unit sees the whole input"
    least = "at least " if ranges[finding.worst].is_open else ""
    text = f"{it} is {least}{_text(finding.value, finding.figure)}"
    if not finding.excess:
        return f"{text}, which is the limit itself"
    share = "" if finding.excess_share is None else f" ({finding.excess_share:.1%})"
    direction = "above" if finding.wanted.is_upper else "below"
    return f"{text}: {least}{_text(finding.excess, finding.figure)}{share} {direction} the limit"


def _part_text(part: Part, figure: str, file: str | None) -> str:
    """`39.3%  50,176  layer1.conv1, line 3`."""
    sign = "+" if figure == "receptive_field" else ""
    what = "" if part.what in (None, "input") else f", {WORDS[part.what]}"
    at = None if part.node is None else part.node.place
    line = "" if at is None or at.source.name != file else f", line {at.line + 1}"
    return f"{part.share:6.1%}  {sign}{_text(part.value, figure)}  {part.name}{what}{line}"


def wanted_text(finding: Finding) -> str:
    """`<= 60M`, `108`, `[3, 5]`."""
    if isinstance(finding.wanted, Limit):
        return finding.wanted.text
    return _listed([_exact_text(finding, wanted) for wanted in finding.wanted])


def value_text(finding: Finding) -> str:
    """The figure for people: `300,774,272`, `at least 112`, `15, 9`."""
    if finding.state is State.UNKNOWN or any(value is None for value in _shown(finding)):
        known = finding.measured.ranges[0].least if len(finding.measured.ranges) == 1 else 0
        return f"at least {_text(known, finding.figure)}" if known else "unknown"
    return _listed([_text(value, finding.figure) for value in _shown(finding) if value is not None])


def limit_lines(findings: Sequence[Finding]) -> list[str]:
    """A line for each: the figure, its value, what it must be, and how much of an upper limit is used."""
    cells = [(found.figure, value_text(found), _wanted_cell(found), _used_text(found)) for found in findings]
    widths = [max(len(row[column]) for row in cells) for column in range(3)] if cells else []
    return [
        f"  {figure:{widths[0]}}  {value:>{widths[1]}}  {wanted:{widths[2]}}  {used}".rstrip()
        for figure, value, wanted, used in cells
    ]


def _wanted_cell(finding: Finding) -> str:
    return wanted_text(finding) if isinstance(finding.wanted, Limit) else f"= {wanted_text(finding)}"


def _used_text(finding: Finding) -> str:
    """`94.0% of it`; what is not so, of a limit that does not hold."""
    if finding.state is not State.HOLDS:
        return {State.BROKEN: "NOT SO", State.UNKNOWN: "not known"}[finding.state]
    limit, shown = finding.wanted, _shown(finding)
    if not isinstance(limit, Limit) or not limit.is_upper or not limit.value or len(finding.measured.ranges) > 1:
        return ""
    return "" if shown[0] is None else f"{float(shown[0] / limit.value):.1%} of it"


def limit_dict(finding: Finding) -> dict[str, Any]:
    """For programs; a field that sees everything is `global`, what is not known is null."""
    wanted, excess = finding.wanted, finding.excess
    limit = isinstance(wanted, Limit)
    return {
        "figure": finding.figure,
        "state": finding.state.value,
        "value": _single([_plain(value) for value in _shown(finding)]),
        "relation": wanted.relation if isinstance(wanted, Limit) else "==",
        "limit": _plain(wanted.value) if isinstance(wanted, Limit) else _single([_plain_exact(w) for w in wanted]),
        "excess": _plain(excess) if limit else None,
        "excess_share": finding.excess_share if limit else None,
        "unknown": finding.measured.unknown or None,
        "heaviest": [
            {"name": part.name, "value": part.value, "share": part.share, "what": part.what} for part in finding.parts
        ],
    }


def _shown(finding: Finding) -> list[Value | None]:
    """The figure along each axis that is meant, as tables show it."""
    return [finding.measured.ranges[axis].shown for axis in finding.axes]


def _text(value: Value, figure: str) -> str:
    """A value in the figure's unit, for people."""
    if isinstance(value, float):
        return GLOBAL
    if FIGURES[figure] is BYTES:
        return binary(int(value))
    return f"{int(value):,}" if Fraction(value).denominator == 1 else f"{float(value):,g}"


def _exact_text(finding: Finding, value: Value | str | None) -> str:
    """A value as a config has it."""
    unit = " B" if FIGURES[finding.figure] is BYTES else ""
    return f"{value if isinstance(value, str) else _plain(value)}{unit}"


def _listed(texts: Iterable[str]) -> str:
    found = list(texts)
    return found[0] if len(set(found)) == 1 else f"[{', '.join(found)}]"


def _single(values: list[Any]) -> Any:
    return values[0] if len(set(values)) == 1 else values


def _plain_exact(exact: Exact) -> Any:
    return exact if isinstance(exact, str) else _plain(exact)


def _plain(value: Value | None) -> int | float | str | None:
    """A value as JSON has it."""
    if value is None:
        return None
    if value == inf:
        return GLOBAL
    return int(value) if Fraction(value).denominator == 1 else float(value)
