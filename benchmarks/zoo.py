"""The whole zoo: from YAML text to all numbers, network by network, and in one process."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from archlab.analysis import Analysis, analyze
from archlab.api.network import expand_document
from archlab.config.syntax.files import read_source
from archlab.config.tree.presets import preset_files
from archlab.config.tree.targets import read_document
from archlab.diagnostics.place import Source
from archlab.zoo.rows import preset_targets
from benchmarks.clock import time_calls
from benchmarks.section import Section
from benchmarks.table import milliseconds

MOST_SHOWN = 12
"""The slowest; all of them are in the JSON file."""


def measure(runs: int, progress: Callable[[str], None]) -> Section:
    """Time each network that comes with archlab, and all together."""
    calls = _calls()
    section = Section(
        "zoo", f"The zoo, from YAML text, rounds: {runs}", ["ms", "layers", "min", "median", "max", "with rows"]
    )
    rows: list[tuple[float, list[str]]] = []
    for name, (numbers, with_rows, layers) in calls.items():
        progress(f"zoo: {name}")
        timings = time_calls({"numbers": numbers, "with rows": with_rows}, runs)
        timing, rows_timing = timings["numbers"], timings["with rows"]
        times = [milliseconds(value) for value in (timing.best, timing.median, timing.worst, rows_timing.median)]
        rows.append((timing.median, [name, f"{layers:,}", *times]))
        seconds = {"seconds": timing.to_dict(), "with_rows": rows_timing.to_dict()}
        section.records.append({"name": name, "layers": layers, **seconds})
    rows.sort(key=lambda row: row[0], reverse=True)
    section.rows = [cells for _, cells in rows[:MOST_SHOWN]]
    together = time_calls({"all": lambda: [numbers() for numbers, _, _ in calls.values()]}, max(1, runs // 3))["all"]
    times = [milliseconds(value) for value in (together.best, together.median, together.worst)]
    section.rows.append(["all together", "", *times, ""])
    section.records.append({"name": "all together", "networks": len(calls), "seconds": together.to_dict()})
    section.remarks = [
        f"The slowest {MOST_SHOWN} of {len(calls)} networks: parse, expand, analyze (layers' figures and totals).",
        "With rows: `to_dict` too, the content of `--format json`, with the peak of a training step.",
    ]
    return section


Numbers = Callable[[], Analysis]
WithRows = Callable[[], dict[str, object]]


def _calls() -> dict[str, tuple[Numbers, WithRows, int]]:
    """For each network: its numbers, its numbers with the rows, and how many layers it has."""
    found: dict[str, tuple[Numbers, WithRows, int]] = {}
    wanted = set(preset_targets())
    for path in preset_files():
        source = read_source(path, shown_as=path.name)
        document, _ = read_document(source, path.stem)
        for name in (path.stem, *document.variants):
            if name in wanted:
                numbers = partial(_numbers, source, path.stem, name)
                with_rows = partial(_with_rows, source, path.stem, name)
                found[name] = (numbers, with_rows, len(numbers().layers))
    return found


def _numbers(source: Source, family: str, name: str) -> Analysis:
    document, problems = read_document(source, family)
    graph = expand_document(document, document.variants.get(name), problems, params={}).graph
    return analyze(graph)


def _with_rows(source: Source, family: str, name: str) -> dict[str, object]:
    return _numbers(source, family, name).to_dict()
