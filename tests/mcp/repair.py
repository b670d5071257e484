"""A program that mends configs by what the tools answer, and by nothing else: no rule looks at the config's meaning."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

Ask = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""A tool's name and its arguments to its answer."""
MOST_ROUNDS = 6

_ENTRY = re.compile(r"(?:, )?\b(\w+): (?:\[[^][]*\]|[^,{}\[\]]+)")
"""One entry of a mapping in braces."""


async def repair(text: str, ask: Ask) -> tuple[str, list[str]]:
    """The text without the mistakes that the answers tell how to mend, and what was done, a line for each."""
    done: list[str] = []
    for _ in range(MOST_ROUNDS):
        answer = await ask("validate", {"text": text})
        if answer["ok"]:
            return text, done
        problem = answer["problems"][0]
        mended = await _mended(text.splitlines(), problem, ask)
        if mended is None:
            break
        done.append(f"{problem['line']}:{problem['column']} {problem['message']}")
        text = "\n".join(mended) + "\n"
    return text, done


async def _mended(lines: list[str], problem: dict[str, Any], ask: Ask) -> list[str] | None:
    """The lines with one problem mended; None where its answer does not say how."""
    if problem["file"] != "<text>" or not problem["source_line"]:
        return None
    number, start, end = problem["line"] - 1, problem["column"] - 1, problem["end_column"] - 1
    line, message, hint = lines[number], problem["message"], problem["hint"] or ""
    stands = line[start:end]
    in_front = re.search(r"put (\{type: \w+\}) in front of it", hint)
    new: str | None = None
    if in_front:
        dash = line.index("- ")
        return [*lines[:number], f"{line[:dash]}- {in_front[1]}", *lines[number:]]
    if "leave it out" in hint:
        new = _without(line, lambda entry: entry.start() <= start < entry.end())
    elif found := re.search(r"remove '(.+?)'", hint):
        wanted = found[1]
        new = _without(line, lambda entry: entry[0].removeprefix(", ") == wanted)
    elif found := re.search(r"needs '(\w+)'", message):
        new = await _with_option(line, found[1], ask)
    else:
        word = _word(problem, hint, message, stands)
        new = None if word is None else line[:start] + word + line[end:]
    return None if new is None else [*lines[:number], new, *lines[number + 1 :]]


def _word(problem: dict[str, Any], hint: str, message: str, stands: str) -> str | None:
    """What should stand at the place."""
    if problem["did_you_mean"]:
        return str(problem["did_you_mean"])
    if "without quotes" in hint:
        return re.sub(r"[^0-9]", "", stands)
    patterns = (r"\bwrite \w+: (\w+)", r"\bwrite (\d+|true|false|\w+2d)\b", r"^use (\w+)", r"\b(\d+) does$")
    found = next((match for pattern in patterns if (match := re.search(pattern, hint))), None)
    found = found or re.search(r"\bat (?:most|least) (\d+)", hint or message)
    return found[1] if found else None


def _without(line: str, is_meant: Callable[[re.Match[str]], bool]) -> str | None:
    """A line without an entry."""
    for entry in _ENTRY.finditer(line):
        if is_meant(entry):
            return (line[: entry.start()] + line[entry.end() :]).replace("{, ", "{")
    return None


async def _with_option(line: str, option: str, ask: Ask) -> str | None:
    """A line with an option that its layer needs: the least value that the layer's schema allows."""
    layer = re.search(r"\btype: (\w+)", line)
    if layer is None:
        return None
    schema = (await ask("layer_types", {"type": layer[1]})).get("schema", {}).get("properties", {}).get(option, {})
    plain = next((form for form in [schema, *schema.get("anyOf", [])] if form.get("type") or form.get("enum")), None)
    if plain is None:
        return None
    value = plain["enum"][0] if "enum" in plain else plain.get("minimum", 1)
    return f"{line[: layer.end()]}, {option}: {value}{line[layer.end() :]}"
