"""What became of a network's layers for deployment, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archlab.analysis.result import Analysis
from archlab.diagnostics.spelling import argument
from archlab.diagnostics.words import counted
from archlab.graph.deployment import Deployment
from archlab.report.units import binary

MOST_REASONS = 3
"""Layers that are named with why they stay."""


def deployed_word(analysis: Analysis) -> str:
    """`, deployed` behind what else a title says."""
    return ", deployed" if analysis.is_deployed else ""


def deployment_rows(analysis: Analysis) -> list[tuple[str, str]]:
    """Weights and activations apart, and what was done; nothing of a network as it is written."""
    deployment = analysis.graph.deployment
    if deployment is None:
        return []
    memory = analysis.total.memory
    pairs = f", of it {binary(memory.quantization)} scales and zero points" if memory.quantization else ""
    return [
        ("flash", f"{binary(memory.flash)} of weights{pairs}"),
        ("RAM", f"{binary(memory.ram)} of activations at the peak ({memory.peak_layer})"),
        *arena_rows(analysis),
        ("deployed", _done(deployment)),
        *_stays(deployment.scaled, "a scale and a shift"),
        *_stays(deployment.kept, "as it was"),
    ]


def arena_rows(analysis: Analysis) -> list[tuple[str, str]]:
    """What TensorFlow Lite Micro takes, in the order of the file and in the best one; nothing where it is not asked."""
    arena, nodes = analysis.arena, analysis.graph.nodes
    if arena is None:
        return []
    if arena.size is None:
        return [("arena", f"unknown: {arena.unknown}")]
    text = f"{binary(arena.size)} in TensorFlow Lite Micro, {counted(arena.operators, 'operator')}"
    rows = [("arena", f"{text}; {binary(arena.peak)} alive at the peak ({nodes[arena.peak_node].path})")]
    if arena.best < arena.size:
        rows.append(
            ("reordered", f"{binary(arena.best)} in another order; {binary(arena.best_peak)} alive at the peak")
        )
    if not arena.best_is_exact:
        rows.append(("reordered", "there are too many orders to say whether another has a smaller peak"))
    return rows


def arena_dict(analysis: Analysis) -> dict[str, Any]:
    """The same for programs."""
    arena, nodes = analysis.arena, analysis.graph.nodes
    if arena is None:
        return {}
    if arena.size is None:
        return {"arena": None, "arena_unknown": arena.unknown}
    order = [nodes[index].path for index in arena.best_order] if arena.best < arena.size else None
    return {
        "arena": arena.size,
        "arena_peak": arena.peak,
        "arena_peak_layer": nodes[arena.peak_node].path,
        "arena_reordered": {"size": arena.best, "peak": arena.best_peak, "exact": arena.best_is_exact, "order": order},
    }


def _done(deployment: Deployment) -> str:
    counts = (
        (len(deployment.folded), "batch norm", "folded"),
        (len(deployment.made_once), "weight", "made once"),
        (len(deployment.removed), "layer", "gone that only training needs"),
        (len(deployment.fused), "activation", "fused"),
        (len(deployment.padded), "padding", "done by the convolution behind it"),
        (len(deployment.scaled), "batch norm", "kept as a scale and a shift"),
        (len(deployment.kept), "batch norm", "kept as they are"),
    )
    return ", ".join([f"{counted(count, what)} {done}" for count, what, done in counts if count]) or "nothing to change"


def _stays(reasons: Mapping[str, str], how: str) -> list[tuple[str, str]]:
    rows = [("not folded", f"{path}, {how}: {why}") for path, why in list(reasons.items())[:MOST_REASONS]]
    more = len(reasons) - MOST_REASONS
    return [*rows, ("not folded", f"{more} more; JSON has them all")] if more > 0 else rows


def int8_notes(analyses: Sequence[Analysis]) -> list[str]:
    """That int8 numbers are of unfused layers, where they are."""
    if not any(analysis.dtype == "int8" and not analysis.is_deployed for analysis in analyses):
        return []
    deployed = argument("deploy")
    return [f"int8: of layers as they are written, none fused, a byte for each value; see {deployed} for a runtime's."]
