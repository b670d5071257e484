"""The whole zoo: from YAML text to all numbers, network by network, and in one process."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from archlab.analysis import analyze
from archlab.api import expand_document, read_document
from archlab.config.files import read_source
from archlab.config.problem import Source
from archlab.presets import preset_files
from archlab.zoo import preset_targets
from benchmarks.clock import time_calls
from benchmarks.section import Section
from benchmarks.table import milliseconds

MOST_SHOWN = 12
"""The slowest; all of them are in the JSON file."""


def measure(runs: int, progress: Callable[[str], None]) -> Section:
    """Time each network that comes with archlab, and all together."""
    calls = _calls()
    section = Section("zoo", f"The zoo, from YAML text, rounds: {runs}", ["ms", "layers", "min", "median", "max"])
    rows: list[tuple[float, list[str]]] = []
    for name, (call, layers) in calls.items():
        progress(f"zoo: {name}")
        timing = time_calls({name: call}, runs)[name]
        times = [milliseconds(value) for value in (timing.best, timing.median, timing.worst)]
        rows.append((timing.median, [name, f"{layers:,}", *times]))
        section.records.append({"name": name, "layers": layers, "seconds": timing.to_dict()})
    rows.sort(key=lambda row: row[0], reverse=True)
    section.rows = [cells for _, cells in rows[:MOST_SHOWN]]
    together = time_calls({"all": lambda: [call() for call, _ in calls.values()]}, max(1, runs // 3))["all"]
    section.rows.append(
        ["all together", "", *(milliseconds(value) for value in (together.best, together.median, together.worst))]
    )
    section.records.append({"name": "all together", "networks": len(calls), "seconds": together.to_dict()})
    section.remarks = [f"The slowest {MOST_SHOWN} of {len(calls)} networks: parse, expand, analyze, to_dict."]
    return section


def _calls() -> dict[str, tuple[Callable[[], object], int]]:
    found: dict[str, tuple[Callable[[], object], int]] = {}
    wanted = set(preset_targets())
    for path in preset_files():
        source = read_source(path, shown_as=path.name)
        document, _ = read_document(source, path.stem)
        for name in (path.stem, *document.variants):
            if name in wanted:
                call = partial(_all_numbers, source, path.stem, name)
                found[name] = (call, len(call()))
    return found


def _all_numbers(source: Source, family: str, name: str) -> list[object]:
    document, problems = read_document(source, family)
    graph = expand_document(document, document.variants.get(name), problems, params={}).graph
    layers: list[object] = analyze(graph).to_dict()["layers"]
    return layers
