"""In one process, everything imported: what a search over architectures or a notebook pays per network."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from archlab.analysis.conditions import Conditions
from archlab.api.analysis import Analysis
from archlab.api.network import expand_document
from archlab.config.syntax.files import read_source
from archlab.config.tree import presets
from archlab.config.tree.targets import read_document
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError
from archlab.graph import Graph
from benchmarks.clock import Timing, time_calls
from benchmarks.section import Section
from benchmarks.table import count, milliseconds, ratio
from benchmarks.tools import missing

MODELS = ("resnet50", "mobilenet_v2", "vgg16")
"""Presets that have a namesake in torchvision."""

FROM_TEXT = "archlab, from YAML text"
FROM_GRAPH = "archlab, from a graph"

Call = Callable[[], tuple[int, int]]


def measure(runs: int, models: tuple[str, ...], progress: Callable[[str], None]) -> Section:
    """Time every candidate on every model."""
    section = Section(
        "in-process",
        f"In one process: all of archlab's numbers, params and MACs from its peers, interleaved rounds: {runs}",
        ["ms", "min", "median", "max", "runs", "x from text", "x from graph", "params", "MACs"],
    )
    section.remarks = [
        "Ratios are of medians. 'From YAML text' is parse + expand + analyze + to_dict; 'from a graph' the last two.",
        "Building the torchvision model is not counted. 'meta' models have no weights and do no arithmetic.",
    ]
    for name in models:
        progress(f"in process: {name}")
        calls = _archlab_calls(name, section)
        if calls:
            calls.update(_peer_calls(name, section))
            counted = _try(name, calls, section)
            _add_rows(section, name, time_calls({working: calls[working] for working in counted}, runs), counted)
    return section


def _try(model: str, calls: dict[str, Call], section: Section) -> dict[str, tuple[int, int]]:
    """Params and MACs from each candidate that works."""
    counted: dict[str, tuple[int, int]] = {}
    for candidate, call in calls.items():
        try:
            counted[candidate] = call()
        except Exception as error:  # noqa: BLE001 - whatever a peer stumbles over must not end the benchmark
            section.failed.append(f"{candidate} on {model}: {error!r}"[:200])
    return counted


def _add_rows(section: Section, model: str, timings: dict[str, Timing], counted: dict[str, tuple[int, int]]) -> None:
    for candidate, timing in timings.items():
        params, macs = counted[candidate]
        section.rows.append(
            [
                f"{model}: {candidate}",
                *(milliseconds(value) for value in (timing.best, timing.median, timing.worst)),
                str(len(timing.seconds)),
                *(ratio(timing, timings.get(reference)) for reference in (FROM_TEXT, FROM_GRAPH)),
                count(params),
                count(macs),
            ]
        )
        section.records.append(
            {"model": model, "name": candidate, "seconds": timing.to_dict(), "params": params, "macs": macs}
        )


def preset_source(name: str) -> Source | None:
    """The text that has a preset: a file of that name, or one with such a variant."""
    path = presets.find_preset_file(name) or next(presets.files_mentioning(name), None)
    return read_source(path, shown_as=path.name) if path else None


def expand_text(source: Source, name: str) -> Graph:
    """The graph of a preset or variant, from the file's text."""
    document, problems = read_document(source, name)
    return expand_document(document, document.variants.get(name), problems, params={}).graph


def _figures(graph: Graph) -> tuple[int, int]:
    total = Analysis(graph, Conditions()).to_dict()["total"]
    return total["params"], total["macs"]


def _archlab_calls(name: str, section: Section) -> dict[str, Call]:
    source = preset_source(name)
    if source is None:
        section.skipped.append(f"{name}: there is no such preset yet")
        return {}
    try:
        graph = expand_text(source, name)
    except ConfigError as error:
        section.failed.append(f"{name}: {str(error).splitlines()[0]}")
        return {}
    return {
        FROM_TEXT: lambda: _figures(expand_text(source, name)),
        FROM_GRAPH: lambda: _figures(graph),
    }


def _peer_calls(name: str, section: Section) -> dict[str, Call]:
    reason = missing(("torch", "torchvision"))
    if reason is not None:
        section.skipped.append(f"peers on {name}: {reason}")
        return {}
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="torch|torchvision|fvcore|torchinfo|ptflops")
    import torch
    from torchvision.models import get_model

    model: Any = get_model(name).eval()
    with torch.device("meta"):
        meta_model: Any = get_model(name).eval()
    calls: dict[str, Call] = {}
    for candidate, package, arguments in (
        ("fvcore", "fvcore", (model,)),
        ("torchinfo", "torchinfo", (model,)),
        ("torchinfo, meta", "torchinfo", (meta_model,)),
        ("ptflops, pytorch", "ptflops", (model, "pytorch")),
        ("ptflops, aten", "ptflops", (model, "aten")),
        ("FlopCounterMode, meta", "flop_counter", (meta_model,)),
    ):
        reason = None if package == "flop_counter" else missing((package,))
        if reason is None:
            calls[candidate] = partial(import_module(f"benchmarks.peers.with_{package}").count, *arguments)
        else:
            section.skipped.append(f"{candidate} on {name}: {reason}")
    return calls
