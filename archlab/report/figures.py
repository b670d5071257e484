"""What networks are compared by: each figure's name, unit, and which direction is better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from archlab.analysis.depth import depth
from archlab.analysis.result import Analysis
from archlab.analysis.row import Row
from archlab.analysis.time.device import Device
from archlab.analysis.time.roofline import moved_bytes, roofline
from archlab.report.rows import network_row
from archlab.report.units import binary, duration, si

Unit = Literal["count", "bytes", "seconds", "ratio", "pixels"]


class Figure(NamedTuple):
    """A column of the table and an axis of the scatter.

    Attributes:
        key: in a row.
        label: for people.
        unit: decides how it is written.
        better: which of two values is the better one; None where neither is.
        text: what it means, in a sentence.
    """

    key: str
    label: str
    unit: Unit
    better: Literal["less", "more"] | None
    text: str


FIGURES = (
    Figure("layers", "layers", "count", None, "Primitive layers."),
    Figure("depth", "depth", "count", None, "Convolutions and linear layers on the longest path."),
    Figure("params", "params", "count", "less", "Elements of learnable tensors."),
    Figure("macs", "MACs", "count", "less", "Multiply-accumulates of convolutions and linear layers."),
    Figure("flops", "FLOPs", "count", "less", "2 x MACs and the elementwise work."),
    Figure("activations", "activations", "count", "less", "Output elements of convolutions and linear layers."),
    Figure("inference_peak", "memory, inference", "bytes", "less", "Most bytes alive in a forward pass."),
    Figure("training_peak", "memory, training", "bytes", "less", "Most bytes alive in a training step."),
    Figure("flash", "flash", "bytes", "less", "Weights of the deployed network, with scales and zero points in int8."),
    Figure("ram", "RAM", "bytes", "less", "Most bytes of activations alive in the deployed network."),
    Figure("arena", "arena", "bytes", "less", "What TensorFlow Lite Micro takes for activations in int8."),
    Figure("intensity", "intensity", "ratio", None, "FLOPs for each byte moved, layer by layer."),
    Figure("receptive_field", "receptive field", "pixels", None, "What one unit of the first result sees."),
    Figure("seconds", "lower bound", "seconds", "less", "Sum of the layers' bounds (roofline) on the device."),
)


OPTIONAL = ("flash", "ram", "arena", "seconds")
"""Figures of deployed networks, and a bound of time where a device is named."""


def figures_of(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The figures that are shown of some networks."""
    return tuple([f for f in FIGURES if f.key not in OPTIONAL or any(row.get(f.key) is not None for row in rows)])


def figures_row(analysis: Analysis, device: Device | None) -> Row:
    """The figures of a network, by their keys; None where there is none. And why there is no training step."""
    total, moved = analysis.total, sum([moved_bytes(analysis, layer) for layer in analysis.layers])
    times = [] if device is None else roofline(analysis, device)
    field = total.receptive_field
    sizes = [axis.sizes[-1] for axis in field.axes if axis is not None]
    return {
        "layers": len(analysis.layers),
        "depth": depth(analysis),
        "params": total.params,
        "macs": total.macs,
        "flops": total.flops,
        "activations": total.activations,
        "inference_peak": total.memory.inference_peak,
        "training_peak": None if analysis.training is None else analysis.training.peak,
        **_apart(analysis),
        "intensity": total.flops / moved if moved else None,
        "receptive_field": max(sizes) if sizes else None,
        "seconds": None if device is None else sum([time.seconds for time in times]),
        "training_refused": None if analysis.refusal is None else analysis.refusal.reason,
    }


def _apart(analysis: Analysis) -> Row:
    """Weights and activations of a deployed network; nothing of any other."""
    if not analysis.is_deployed:
        return {}
    memory, arena = analysis.total.memory, analysis.arena
    return {"flash": memory.flash, "ram": memory.ram, "arena": None if arena is None else arena.size}


def distinct_names(analyses: Sequence[Analysis]) -> list[str]:
    """The networks' names, numbered where several are alike."""
    names: list[str] = []
    for analysis in analyses:
        name, number = analysis.graph.name, 2
        while name in names:
            name = f"{analysis.graph.name} ({number})"
            number += 1
        names.append(name)
    return names


def comparison_row(analysis: Analysis, device: Device | None) -> Row:
    """One network as a flat row: `network_row`, and the figures that it has not."""
    figures = figures_row(analysis, device)
    return {
        **network_row(analysis),
        "depth": figures["depth"],
        "memory_training_peak": figures["training_peak"],
        "training_refused": figures["training_refused"],
        "intensity": figures["intensity"],
        **({} if device is None else {"lower_bound_seconds": figures["seconds"]}),
    }


def training_text(row: Row) -> str:
    """The peak of a training step, or that there is none."""
    if row["training_refused"] is not None:
        return "none"
    return binary(row["training_peak"])


MOST_REFUSALS = 5


def refusals(analyses: Sequence[Analysis]) -> list[str]:
    """Why networks have no training step, a line for each; a dtype that has none is everyone's and goes without."""
    refused = [(a.graph.name, a.refusal.reason) for a in analyses if a.refusal is not None and a.dtype != "int8"]
    lines = [f"{name} has no training step: {reason}." for name, reason in refused[:MOST_REFUSALS]]
    more = len(refused) - MOST_REFUSALS
    return lines + ([f"And {more} more without one."] if more > 0 else [])


def figure_text(figure: Figure, value: float | None) -> str:
    """A value in its unit."""
    if value is None:
        return "global" if figure.unit == "pixels" else "-"
    if figure.unit == "bytes":
        return binary(int(value))
    if figure.unit == "seconds":
        return duration(value)
    if figure.unit == "ratio":
        return f"{value:.1f}"
    return f"{value:,}" if value < 1_000_000 else si(int(value))
