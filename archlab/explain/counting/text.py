"""The counting comparison for a terminal."""

from __future__ import annotations

from textwrap import wrap

from archlab.diagnostics.words import counted
from archlab.explain.columns import aligned
from archlab.explain.counting.count import GROUPS, Counting, Group, ToolCount
from archlab.explain.counting.quantities import QUANTITIES
from archlab.explain.text import WIDTH
from archlab.layers.shape import shape_text
from archlab.report.opaque import at_least


def counting_text(counting: Counting) -> str:
    """What each prints, then why, then what archlab leaves out."""
    analysis = counting.analysis
    shape = shape_text(tuple(analysis.input_shape))
    heading = f"{analysis.graph.name}, input {shape}: what tools print, by their rules (none is run)"
    parts = ["\n".join([heading, "in millions, the totals exact", "", *table_lines(counting)])]
    parts += ["\n".join(tool_lines(row)) for row in counting.tools]
    parts.append("\n".join(own_lines(counting)))
    return "\n\n".join(parts) + "\n"


def shown_groups(counting: Counting) -> list[Group]:
    """The columns in which something is counted."""
    sums = [row.by_group() for row in counting.tools] + [counting.own]
    return [group for group in GROUPS if any(found[group] for found in sums)]


def table_lines(counting: Counting) -> list[str]:
    """A line for each number that a tool prints, and archlab's two."""
    rows = table_rows(counting)
    return aligned(rows, right=frozenset(range(2, len(rows[0]))))


def table_rows(counting: Counting) -> list[list[str]]:
    """Header and cells."""
    groups = shown_groups(counting)
    total = counting.analysis.total
    rows = [["", "unit", *groups, "total"]]
    macs_only = dict.fromkeys(GROUPS, 0) | {"conv, linear": total.macs}
    with_all = counting.own | {"conv, linear": 2 * total.macs + counting.own["conv, linear"]}
    rows.append(
        [
            "archlab",
            "MACs",
            *(_millions(macs_only[group]) for group in groups),
            at_least(total, "macs", f"{total.macs:,}"),
        ]
    )
    rows.append(
        [
            "archlab",
            "FLOPs",
            *(_millions(with_all[group]) for group in groups),
            at_least(total, "flops", f"{total.flops:,}"),
        ]
    )
    for row in counting.tools:
        sums = row.by_group()
        cells = [_millions(sums[group]) for group in groups]
        rows.append([row.tool.name, row.tool.unit, *cells, _total(counting, row)])
    return rows


def _total(counting: Counting, row: ToolCount) -> str:
    """What a tool prints; it looks into opaque layers, and archlab does not."""
    return f"{row.total:,}" if counting.analysis.total.opaque is None else f"at least {row.total:,}"


def _millions(value: int) -> str:
    return f"{value / 1e6:,.3f}" if value else "-"


def tool_lines(row: ToolCount) -> list[str]:
    """The tool's rule in words, then its terms, which add up to the total."""
    tool = row.tool
    lines = [f"{tool.name} ({tool.version}): {row.total:,} {tool.unit}"]
    lines += [f"  {line}" for line in wrap(tool.how, WIDTH - 2)]
    terms = [
        [
            f"{term.coefficient} x",
            f"{term.counted:,}",
            f"{QUANTITIES[term.quantity][1]} of {term.layer}",
            f"{term.value:,}",
        ]
        for term in row.terms
    ]
    return lines + [f"    {line}" for line in (aligned(terms, right=frozenset((0, 1, 3))) if terms else [])]


def own_lines(counting: Counting) -> list[str]:
    """What archlab does not count."""
    lines = ["archlab leaves out"]
    rows = (
        [["of MACs", "", f"{counted(counting.bias, 'addition')} of biases (in its FLOPs they are)"]]
        if counting.bias
        else []
    )
    rows.append(["of MACs", "", "norms, activations, pooling, sums (in its FLOPs they are, docs/numbers.md)"])
    opaque = counting.analysis.total.opaque
    if opaque is not None:
        what = "what tools count in them is not known; archlab has what is declared"
        rows.append(["opaque", f"x {opaque.layers}", what])
    rows += [[row.type, f"x {row.layers}", f"{row.elements:,} elements: {row.why}"] for row in counting.uncounted]
    rows.append(
        ["of both", "", "reading and writing memory; the statistics of batch norm in training; the backward pass"]
    )
    return lines + [f"  {line}" for line in aligned(rows)]
