"""All that is known of a text at once, which the page asks for after each edit."""

from __future__ import annotations

from time import perf_counter

from archlab.editor.hints import hints
from archlab.editor.lens import lenses
from archlab.editor.snapshot import Snapshot
from archlab.layers.shape import AXIS_NAMES, axis_count
from archlab.studio.forms import Check
from archlab.studio.panels import growth_rows, layer_table, param_rows, timeline, total_rows
from archlab.studio.positions import Row, column_of, within
from archlab.studio.problems import budget_rows, found_problems, problem_rows

MOST_HINTS = 2_500
LONGEST_HINTS = 300_000
"""Characters of all hints."""


def check(asked: Check, snapshot: Snapshot) -> Row:
    """Problems, hints and, of a network that has none, its numbers; of one that has, its layers as far as known."""
    start = perf_counter()
    problems = found_problems(snapshot, all_variants=asked.all_variants)
    document = snapshot.mended.document
    analysis = snapshot.analysis
    answer = {
        "ok": analysis is not None and not any(problem.code.level == "error" for problem in problems),
        "partial": analysis is None,
        "name": snapshot.network.name if snapshot.network else document.name if document else "",
        "problems": problem_rows(problems, snapshot),
        **_hints(asked, snapshot),
        "lenses": [lens._asdict() | {"text": lens.title} for lens in lenses(snapshot)],
        "variants": [] if document is None else list(document.variants),
        "variant": snapshot.variant.name if snapshot.variant is not None else "",
        "params": param_rows(snapshot.mended),
        "layers": layer_table(snapshot.mended, asked.rows_from, asked.depth),
    }
    if analysis is not None:
        growth, more = growth_rows(snapshot, analysis)
        answer |= {
            "input": list(analysis.graph.input_shape),
            "axes": list(AXIS_NAMES.get(axis_count(analysis.graph.input_shape), ())),
            "totals": total_rows(analysis),
            "budgets": budget_rows(snapshot),
            "growth": growth,
            "growth_left_out": more,
            "timeline": timeline(snapshot, analysis),
        }
    answer["timing"] = {"analysis_ms": round((perf_counter() - start) * 1000, 3)}
    return answer


def _hints(asked: Check, snapshot: Snapshot) -> Row:
    found = hints(snapshot, asked.parts)
    source = snapshot.mended.source
    told = (
        {"line": hint.line, "column": column_of(source, hint.line, hint.column), "text": hint.text,
         "tooltip": hint.tooltip}
        for hint in found[:MOST_HINTS]
    )  # fmt: skip
    rows = within(told, LONGEST_HINTS)
    return {"hints": rows, "hints_left_out": len(found) - len(rows)}
