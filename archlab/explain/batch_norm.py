"""Batch normalisation explained: what it does in training and in eval mode, and where it goes when deployed."""

from __future__ import annotations

from math import prod
from typing import Any

from archlab.analysis.result import LayerReport
from archlab.explain.section import Section, Step, times
from archlab.explain.subject import Subject
from archlab.graph.deploy import deploy
from archlab.layers.ranks import ranks
from archlab.layers.shape import AXIS_NAMES

TYPES = ranks("batch_norm2d")
"""Layer types."""


def batch_norm_section(subject: Subject) -> Section | None:
    """Formulas of both modes and the folding; None for other layers."""
    if subject.layer.type not in TYPES:
        return None
    layer: Any = subject.layer
    section = Section("batch_norm", "batch normalisation", "Ioffe & Szegedy 2015")
    channels, positions = subject.inputs[0][0], subject.inputs[0][1:]
    names = AXIS_NAMES[len(positions)] if positions else ()
    section.steps.append(
        Step(
            "values of a channel",
            " x ".join(["batch", *names]),
            times(subject.batch, *positions),
            subject.batch * prod(positions),
            "n below, of all samples and positions together",
        )
    )
    section.steps += _training(layer, channels) + _eval(layer)
    if layer.track_running_stats:
        _folding(subject, section)
    else:
        section.notes.append("It keeps no running statistics, so that eval mode does as training, and nothing folds.")
    return section


def _scaled(layer: Any, mean: str, variance: str) -> str:
    normal = f"(x - {mean}) / sqrt({variance} + {layer.eps:g})"
    if not layer.affine:
        return normal
    return f"weight x {normal}{' + bias' if layer.bias else ''}"


def _training(layer: Any, channels: int) -> list[Step]:
    """With the batch's own statistics, which running ones follow."""
    steps = [
        Step("in training, y", "", "", _scaled(layer, "mean", "var"), f"mean, var: the batch's, of each of {channels}"),
    ]
    if not layer.track_running_stats:
        return steps
    share = "1 / batches so far" if layer.momentum is None else f"{layer.momentum:g}"
    rest = f"(1 - {share})"
    return [
        *steps,
        Step("running_mean", "", "", f"{rest} x running_mean + {share} x mean"),
        Step("running_var", "", "", f"{rest} x running_var + {share} x var x n / (n - 1)"),
    ]


def _eval(layer: Any) -> list[Step]:
    """A scale and a shift of each channel."""
    if not layer.track_running_stats:
        return [Step("in eval mode, y", "", "", _scaled(layer, "mean", "var"))]
    root = f"sqrt(running_var + {layer.eps:g})"
    shift = "-running_mean x scale"
    if layer.affine and layer.bias:
        shift = "bias - running_mean x scale"
    return [
        Step("in eval mode, y", "", "", "scale x x + shift", "the batch has no say: fixed numbers, one each a channel"),
        Step("scale", "", "", f"{'weight' if layer.affine else '1'} / {root}"),
        Step("shift", "", "", shift),
    ]


def _folding(subject: Subject, section: Section) -> None:
    """Into the layer in front of it, where it is as `--deploy` does it."""
    made = deploy(subject.analysis.graph).deployment
    assert made is not None
    path = subject.node.path
    front = made.folded.get(path)
    if front is None:
        reason = made.scaled.get(path) or made.kept.get(path) or "it does nothing here"
        section.notes.append(f"Deployed, it stays a scale and a shift of each channel: {reason}.")
        return
    before = next(report for report in subject.analysis.layers if report.node.path == front)
    has_bias = any(tensor.name == "bias" for tensor in before.node.layer.tensors(_inputs(subject, before)))
    section.steps += [
        Step(f"{front}, folded: weight", "", "", "scale x weight", "each output channel by its own scale"),
        Step(f"{front}, folded: bias", "", "", "scale x bias + shift" if has_bias else "shift"),
        *_saved(subject, before, has_bias=has_bias),
    ]
    section.notes.append(
        f"Deployed, {front} computes both and this layer is gone, with the same values (archlab analyze --deploy): "
        "it costs nothing then."
    )


def _inputs(subject: Subject, report: LayerReport) -> tuple[tuple[int, ...], ...]:
    return subject.analysis.graph.input_shapes(report.node)


def _saved(subject: Subject, before: LayerReport, *, has_bias: bool) -> list[Step]:
    """Params and FLOPs of the two, and of the one that is left."""
    own, channels = subject.report, subject.output[0]
    params, flops = before.params + own.params, before.flops + own.flops
    elements = prod(subject.output) * subject.batch
    added = (0, 0) if has_bias else (channels, elements)
    more = ["" if has_bias else f" + {count:,}" for count in added]
    words = "of that layer" if has_bias else "of that layer + its new bias"
    return [
        Step("params of both", "that layer + this one", f"{before.params:,} + {own.params:,}", params),
        Step("params folded", words, f"{before.params:,}{more[0]}", before.params + added[0]),
        Step("FLOPs of both", "that layer + this one", f"{before.flops:,} + {own.flops:,}", flops),
        Step("FLOPs folded", words, f"{before.flops:,}{more[1]}", before.flops + added[1]),
    ]
