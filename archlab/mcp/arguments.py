"""Arguments of a call held against a tool's schemas: everything that does not fit, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import printable
from archlab.diagnostics.problem import Problem
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import listed, one_of
from archlab.mcp.tool import Schema, Tool

MOST_PROBLEMS = 20
_KINDS: dict[str, tuple[str, tuple[type, ...]]] = {
    "string": ("a text", (str,)),
    "integer": ("a whole number", (int,)),
    "boolean": ("true or false", (bool,)),
    "array": ("a list", (list,)),
    "object": ("an object", (dict,)),
}
"""JSON Schema's types: in words, and Python's."""


def argument_problems(tool: Tool, given: dict[str, Any]) -> list[Problem]:
    """What is wrong with the arguments of a call; the first of it, where it is much."""
    found: list[Problem] = []
    for problem in _object(given, tool.input_schema, tool.name):
        found.append(problem)
        if len(found) == MOST_PROBLEMS:
            break
    return found


def _object(value: dict[str, Any], schema: Schema, whose: str) -> Iterator[Problem]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name in schema.get("required", ()):
        if name not in value:
            yield Problem(f"{whose} needs '{name}': {known[name]['description']}", Code.MISSING)
    for name, inner in value.items():
        if name in known or isinstance(others, dict):
            yield from _value(inner, known.get(name, others), f"'{printable(name[:80])}'")
        elif not others:
            hint = did_you_mean(name, known) or f"; it has {listed(known)}"
            yield Problem(f"{whose} has no argument '{printable(name[:80])}'{hint}", Code.UNKNOWN_OPTION)


def _value(value: Any, schema: Schema, name: str) -> Iterator[Problem]:
    if not schema:
        return
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if not any(_is(value, kind) for kind in kinds):
        wanted = one_of([_KINDS[kind][0] for kind in kinds])
        yield Problem(f"{name} must be {wanted}, not {_told(value)}", Code.WRONG_TYPE)
    elif isinstance(value, dict):
        yield from _object(value, schema, name)
    elif isinstance(value, list):
        yield from _list(value, schema, name)
    elif "enum" in schema and value not in schema["enum"]:
        hint = did_you_mean(value, schema["enum"])
        yield Problem(f"{name} must be {one_of(schema['enum'])}, not {_told(value)}{hint}", Code.WRONG_VALUE)
    else:
        fault = _size_fault(value, schema)
        if fault:
            yield Problem(f"{name} must be {fault}", Code.WRONG_VALUE)


def _list(value: list[Any], schema: Schema, name: str) -> Iterator[Problem]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", len(value))
    if not least <= len(value) <= most:
        wanted = f"{least} to {schema['maxItems']}" if "maxItems" in schema else f"at least {least}"
        yield Problem(f"{name} has {len(value):,} entries; give {wanted}", Code.WRONG_VALUE)
        return
    for number, item in enumerate(value):
        yield from _value(item, schema.get("items", {}), f"entry {number} of {name}")


def _size_fault(value: Any, schema: Schema) -> str | None:
    """What a text or number must be, if it is not."""
    if isinstance(value, str):
        most = schema.get("maxLength")
        return None if most is None or len(value) <= most else f"a text of at most {most:,} characters"
    if isinstance(value, bool):
        return None
    least, most = schema.get("minimum", value), schema.get("maximum", value)
    return None if least <= value <= most else f"from {least:,} to {most:,}, not {value:,}"


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _KINDS[kind][1]) and (kind == "boolean" or not isinstance(value, bool))


def _told(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text '{printable(value[:40])}'"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "an object"
