"""Explanations as Markdown."""

from __future__ import annotations

from archlab.explain.block import BlockExplanation
from archlab.explain.counting.count import Counting
from archlab.explain.counting.text import own_lines, table_rows, tool_lines
from archlab.explain.layer import Explanation
from archlab.explain.overview import Overview
from archlab.explain.text import body_lines
from archlab.report.escape import markdown_text


def _fenced(lines: list[str]) -> str:
    return "\n".join(["```text", *lines, "```"])


def explanation_markdown(explanation: Explanation | BlockExplanation) -> str:
    """A heading for each section, its lines as they are."""
    parts = [f"## {markdown_text(explanation.heading)}"]
    for section in explanation.sections:
        source = f" ({section.source})" if section.source else ""
        parts += [f"### {section.title}{source}", _fenced(body_lines(section))]
    return "\n\n".join(parts) + "\n"


def overview_markdown(overview: Overview) -> str:
    """A table of the kinds of layers."""
    rows = ["| layer | number | for example | output |", "| --- | ---: | --- | --- |"]
    rows += [f"| {k.what} | {len(k.paths)} | `{k.paths[0]}` | {k.output} |" for k in overview.kinds]
    return "\n".join([f"## {markdown_text(overview.analysis.graph.name)}", "", *rows]) + "\n"


def counting_markdown(counting: Counting) -> str:
    """The table, then each tool's terms."""
    head, *rows = table_rows(counting)
    rule = ["---", "---", *["---:"] * (len(head) - 2)]
    table = [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]
    name = markdown_text(counting.analysis.graph.name)
    parts = [f"## {name}: what tools print, in millions (totals exact)", "\n".join(table)]
    parts += [_fenced(tool_lines(row)) for row in counting.tools]
    return "\n\n".join([*parts, _fenced(own_lines(counting))]) + "\n"
