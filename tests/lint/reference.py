"""The table of docs/lint.md, and the examples below it, from the rules."""

from __future__ import annotations

from collections.abc import Iterator

from archlab.lint.rule import Rule
from archlab.lint.rules import RULES


def lint_table() -> str:
    """What stands between the page's two marks."""
    rows = [f"| [`{name}`](#{name}) | {rule.name.meaning} |\n" for name, rule in RULES.items()]
    sections = [line for rule in RULES.values() for line in _section(rule)]
    return "".join(["| rule | what it finds |\n|---|---|\n", *rows, *sections])


def _section(rule: Rule) -> Iterator[str]:
    yield f"\n## {rule.name}\n\n{rule.name.meaning}\n{rule.reason.replace('. ', '.' + chr(10))}\n"
    yield f"Source: {rule.source}.\n\nFound in\n\n```yaml\n{rule.triggers}```\n\n"
    yield f"and not in\n\n```yaml\n{rule.passes}```\n"
