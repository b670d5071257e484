"""Receptive fields alone, from a graph: with every phase and coverage, and the layers that see the whole input."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from archlab.analysis.facts import collect_facts
from archlab.analysis.projective_field.fields import projective_fields
from archlab.analysis.receptive_field.fields import ReceptiveField, receptive_fields
from archlab.analysis.receptive_field.productivity import productivity
from archlab.diagnostics.place import Source
from archlab.graph import Graph
from benchmarks.clock import time_calls
from benchmarks.growth import repeated
from benchmarks.in_process import expand_text, preset_source
from benchmarks.section import Section
from benchmarks.table import milliseconds, ratio
from benchmarks.tools import missing

PRESETS = ("resnet152", "unet", "unet_bilinear", "dilated_context", "deformable_resnet50_bounded")
PROBED = "resnet152"
"""Where one unit is probed with gradients, for comparison."""


def measure(runs: int, chain: int, progress: Callable[[str], None]) -> Section:
    """Time the fields of presets and of one long chain."""
    section = Section(
        "fields",
        f"Receptive fields of every layer, from a graph, rounds: {runs}",
        [
            "median ms",
            "layers",
            "sizes",
            "+ coverage",
            "+ productivity",
            "both ways",
            "one unit by gradients",
            "x coverage",
        ],
    )
    section.remarks = [
        "Each of the first three does what those before it do, and more; both ways: sizes, and which units every input",
        "position reaches (projective fields). A gradient answers for one unit of one layer: a",
        f"forward and a backward pass of the built {PROBED} on the CPU.",
    ]
    for name in PRESETS:
        progress(f"fields: {name}")
        source = preset_source(name)
        if source is None:
            section.skipped.append(f"{name}: there is no such preset yet")
        else:
            _add_row(section, name, expand_text(source, name), runs)
    _add_row(section, "chain", expand_text(Source("<chain>", repeated(chain)), "chain"), runs)
    return section


def _add_row(section: Section, name: str, graph: Graph, runs: int) -> None:
    calls: dict[str, Callable[[], object]] = {
        "sizes": partial(_fields, graph),
        "coverage": partial(_coverage, graph),
        "productivity": partial(_productivity, graph),
        "both ways": partial(_both_ways, graph),
    }
    if name == PROBED and missing(("torch",)) is None:
        calls["gradient"] = _gradient(graph)
    timings = time_calls(calls, runs)
    gradient = timings.get("gradient")
    section.rows.append(
        [
            name,
            f"{len(graph.layers):,}",
            *(milliseconds(timings[part].median) for part in ("sizes", "coverage", "productivity", "both ways")),
            *(("", "") if gradient is None else (milliseconds(gradient.median), ratio(gradient, timings["coverage"]))),
        ]
    )
    section.records.append(
        {
            "name": name,
            "layers": len(graph.layers),
            "seconds": {part: timing.to_dict() for part, timing in timings.items()},
        }
    )


def _fields(graph: Graph) -> list[ReceptiveField]:
    return receptive_fields(graph, collect_facts(graph))


def _coverage(graph: Graph) -> list[ReceptiveField]:
    fields = _fields(graph)
    for axis in {id(axis): axis for field in fields for axis in field.axes if axis is not None}.values():
        _ = axis.coverage
    return fields


def _productivity(graph: Graph) -> object:
    return productivity(graph, collect_facts(graph), _coverage(graph))


def _both_ways(graph: Graph) -> object:
    facts = collect_facts(graph)
    return projective_fields(graph, facts, receptive_fields(graph, facts))


def _gradient(graph: Graph) -> Callable[[], object]:
    import torch

    from archlab.torch.build import build

    model = build(graph).eval()
    sample = torch.ones(1, *graph.input_shape, requires_grad=True)
    return lambda: torch.autograd.grad(model(sample).flatten()[0], sample)
