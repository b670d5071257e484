"""Problems for other programs: JSON, GitHub's annotations, SARIF."""

from __future__ import annotations

import json
from typing import Any

from archlab.diagnostics.codes import Code, RuleName
from archlab.diagnostics.place import Place, printable
from archlab.diagnostics.problem import Problem
from archlab.version import __version__

SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"


def problem_dict(problem: Problem) -> dict[str, Any]:
    """A problem as an object; lines and columns count from 1, the end is exclusive, as editors have it."""
    place = problem.place
    return {
        "message": problem.message,
        "code": problem.code,
        "level": problem.code.level,
        "file": None if place is None else place.source.name,
        **_region(place),
        "trail": list(problem.trail),
    }


def _region(place: Place | None) -> dict[str, int | None]:
    if place is None:
        return dict.fromkeys(("line", "column", "end_line", "end_column"))
    return {
        "line": place.line + 1,
        "column": place.column + 1,
        "end_line": place.end_line + 1,
        "end_column": place.end_column + 1,
    }


def problems_json(targets: list[tuple[str, int, list[Problem]]]) -> str:
    """One object for each target.

    Args:
        targets: name, number of networks, problems.
    """
    rows = [
        {"target": target, "networks": networks, "problems": [problem_dict(problem) for problem in problems]}
        for target, networks, problems in targets
    ]
    return json.dumps({"targets": rows}, indent=2, allow_nan=False) + "\n"


def problem_annotation(problem: Problem) -> str:
    """A line that GitHub Actions shows at the place (workflow commands `error` and `warning`)."""
    fields = {"title": f"archlab {problem.code}"}
    if problem.place is not None:
        region = _region(problem.place)
        fields |= {"file": problem.place.source.name, "line": str(region["line"]), "col": str(region["column"])}
        fields |= {"endLine": str(region["end_line"]), "endColumn": str(region["end_column"])}
    text = "\n".join([problem.message, *problem.trail])
    told = ",".join(f"{key}={_property(value)}" for key, value in fields.items())
    return f"::{problem.code.level} {told}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")


def problems_sarif(problems: list[Problem]) -> str:
    """A log in the Static Analysis Results Interchange Format 2.1.0 (OASIS)."""
    codes = sorted({problem.code for problem in problems})
    driver = {
        "name": "archlab",
        "version": __version__,
        "rules": [_rule(code) for code in codes],
    }
    results = [_result(problem, codes.index(problem.code)) for problem in problems]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, allow_nan=False) + "\n"


def _rule(code: Code | RuleName) -> dict[str, Any]:
    return {
        "id": code,
        "name": "".join([word.capitalize() for word in code.split("-")]),
        "shortDescription": {"text": code.meaning},
        "help": {
            "text": f"{code.meaning} See {code.page}.",
            "markdown": f"{code.meaning} See [{code.page}]({code.page}).",
        },
    }


def _result(problem: Problem, rule: int) -> dict[str, Any]:
    text = "\n".join([problem.message, *problem.trail])
    result: dict[str, Any] = {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.code.level,
        "message": {"text": text},
        "locations": [],
    }
    place = problem.place
    if place is not None:
        region = {
            "startLine": place.line + 1,
            "startColumn": place.column + 1,
            "endLine": place.end_line + 1,
            "endColumn": place.end_column + 1,
        }
        location = {"artifactLocation": {"uri": place.source.name.replace("\\", "/")}, "region": region}
        result["locations"] = [{"physicalLocation": location}]
    return result
