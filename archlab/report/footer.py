"""The totals and the conventions under every report."""

from __future__ import annotations

from collections.abc import Sequence

from archlab.analysis.receptive_field.outputs import OutputReport
from archlab.analysis.receptive_field.productivity import border_layer
from archlab.analysis.result import Analysis, MemoryReport
from archlab.layers.shape import is_map, shape_text
from archlab.report.deployment import deployed_word, deployment_rows, int8_notes
from archlab.report.opaque import at_least, opaque_rows, share_text
from archlab.report.units import binary, field_text, largest_text, misalignment_text, start_text, stride_text

CONVENTIONS = (
    "MACs: convolutions, linear layers, matrix products; no bias. FLOPs: 2 x MACs + elementwise work.",
    "Activations: outputs of convolutions and linear layers. Memory: inference, freed after last use.",
)


def conventions(analyses: Sequence[Analysis]) -> list[str]:
    """What the numbers of some networks mean."""
    return [*CONVENTIONS, *int8_notes(analyses)]


MOST_RESULTS = 8
"""Beside the first, whose receptive fields are told."""


def heading(analysis: Analysis) -> str:
    """Name, input and dtype."""
    shapes = [shape_text((analysis.batch, *node.shape)) for node in analysis.graph.inputs]
    several = [f"{node.path} {shape}" for node, shape in zip(analysis.graph.inputs, shapes, strict=True)]
    inputs = f"input {shapes[0]}" if len(shapes) == 1 else f"inputs {', '.join(several)}"
    return f"{analysis.graph.name}: {inputs}, {analysis.dtype}{deployed_word(analysis)}"


def _memory_text(analysis: Analysis, memory: MemoryReport) -> str:
    weights = binary(memory.flash)
    peak = at_least(analysis.total, "memory", binary(memory.inference_peak))
    return f"{peak} at the inference peak ({memory.peak_layer}), of it {weights} params and buffers"


def _training_rows(analysis: Analysis) -> list[tuple[str, str]]:
    training = analysis.training
    if training is None:
        assert analysis.refusal is not None
        return [("training", f"none; {analysis.refusal.reason}")]
    moment = training.peak_moment
    where = "the optimizer's step" if moment.node < 0 else f"{analysis.graph.nodes[moment.node].path}, {moment.phase}"
    peak = at_least(analysis.total, "memory", binary(training.peak))
    return [("training", f"{peak} at the peak of a step with {analysis.step_text()} ({where})")]


def totals(analysis: Analysis) -> list[tuple[str, str]]:
    """Label and text of each total."""
    total, memory = analysis.total, analysis.total.memory

    def number(name: str) -> str:
        value = getattr(total, name)
        return at_least(total, name, f"{value:,}") if value or not total.is_bound(name) else "unknown"

    rows = [
        ("params", f"{number('params')} (+ {number('buffers')} in buffers){share_text(analysis, 'params')}"),
        ("MACs", number("macs") + share_text(analysis, "macs")),
        ("FLOPs", number("flops") + share_text(analysis, "flops")),
        ("activations", number("activations")),
        *opaque_rows(analysis),
        ("memory", _memory_text(analysis, memory)),
        *(deployment_rows(analysis) if analysis.is_deployed else _training_rows(analysis)),
    ]
    return rows + _field_rows(analysis) + _productivity_rows(analysis)


def _field_rows(analysis: Analysis) -> list[tuple[str, str]]:
    """What a unit of each result sees, the first result's without its name."""
    if not is_map(analysis.graph.input_shape):
        return []
    first, *others = analysis.outputs
    rows = [("receptive field", seen_text(analysis, first)), *_misaligned_rows(first)]
    rows += [("other result", f"{one.label}: {seen_text(analysis, one)}") for one in others[:MOST_RESULTS]]
    if len(others) > MOST_RESULTS:
        rows.append(("other results", f"{len(others) - MOST_RESULTS} more; JSON has them all"))
    return rows + _input_rows(analysis)


def _input_rows(analysis: Analysis) -> list[tuple[str, str]]:
    """What a unit of the first result sees of further inputs."""
    rows: list[tuple[str, str]] = []
    for name, output in list(analysis.input_outputs.items())[1:]:
        if output is not None:
            field = output.receptive_field
            seen = analysis.seen_from(name) if field.adaptive else analysis  # whose largest offsets are told
            rows.append((f"of {name}", "nothing" if field.is_nothing else seen_text(seen, output)))
    return rows


def _misaligned_rows(output: OutputReport) -> list[tuple[str, str]]:
    """How far the units lie apart that a join on the way to the first result joins."""
    apart = output.largest_finite.misalignment
    if apart is None:
        return []
    return [("misaligned", f"at {apart.path} the centres of the joined units lie {misalignment_text(apart)}")]


def seen_text(analysis: Analysis, output: OutputReport) -> str:
    """`427, stride 32, start -213 (at layer4.2.relu3)`, or `global` and how far it reaches without."""
    field, finite = output.receptive_field, output.largest_finite
    path, finite_path = output.seen_at.path, output.finite_at.path
    if not any(field.axes) and field.unknown:
        return f"unknown: a layer on the way does not say what it reads (at {path})"
    if not field.is_global:
        bound = analysis.bounded_field_of(output.seen_at.index)
        moved = "" if bound is None else f" (with the largest offsets {largest_text(bound)})"
        return f"{field_text(field)}{moved}, stride {stride_text(field)}, start {start_text(field)} (at {path})"
    seen = f"global: each unit sees the whole input (at {path})"
    if finite.is_global:
        return seen
    reach = f"{field_text(finite)}, stride {stride_text(finite)}, start {start_text(finite)}"
    if output.finite_at is output.seen_at:
        return f"{seen}; by its windows alone {reach}"
    return f"{seen}; the last map before sees {reach} (at {finite_path})"


def _count(layers: int) -> str:
    return "1 layer sees" if layers == 1 else f"{layers} layers see"


def _productivity_rows(analysis: Analysis) -> list[tuple[str, str]]:
    """Layers whose input already sees the whole image (Richter et al. 2021)."""
    words = list(analysis.productivity.values())
    border = border_layer(analysis.productivity)
    rows: list[tuple[str, str]] = []
    if border is not None:
        path = analysis.graph.nodes[border].path
        rows.append(
            ("border layer", f"{path}: {_count(words.count('unproductive'))} the whole input before its own window")
        )
    if "critical" in words:
        seen = _count(words.count("critical"))
        rows.append(("critical", f"{seen} the whole input along some path before its own window"))
    return rows
