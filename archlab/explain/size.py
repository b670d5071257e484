"""How the output's size comes about."""

from __future__ import annotations

from inspect import getdoc
from math import prod

from archlab.explain.section import Section, Step, plus, times
from archlab.explain.subject import Subject
from archlab.layers.base import shape_text
from archlab.layers.geometry import IDENTITY, Phases, Whole, Window, adaptive_bounds
from archlab.layers.sliding import sliding_size

AXES = ("height", "width")
SOURCE = "Dumoulin & Visin 2016"


def size_section(subject: Subject) -> Section:
    """The formula of each axis; one for both where they are alike."""
    section = Section("size", "output size")
    before, after = " and ".join(shape_text(shape) for shape in subject.inputs), shape_text(subject.output)
    if not subject.is_map_to_map:
        return _flat(subject, section, before, after)
    if not _slides(subject):
        rule = " ".join((getdoc(subject.layer.out_shape) or "").split())
        section.notes.append(f"{before} to {after}. {rule}" if before != after else f"{after}, unchanged.")
        return section
    section.source = SOURCE
    steps = [_axis_step(subject, axis) for axis in (0, 1)]
    if steps[0] == steps[1]:
        section.steps.append(Step("out", *_parts(steps[0]), "height and width alike"))
    else:
        section.steps += [Step(f"out {name}", *_parts(step)) for name, step in zip(AXES, steps, strict=True)]
    section.notes += _adaptive_notes(subject)
    return section


def _slides(subject: Subject) -> bool:
    """Whether there is a formula for each axis."""
    if subject.weight or hasattr(subject.layer, "output_size") or hasattr(subject.layer, "scale_factor"):
        return True
    known = len(subject.inputs) == 1 and all(isinstance(axis, Window) for axis in subject.reads)
    return known and subject.reads != (IDENTITY, IDENTITY)


def _parts(step: Step) -> tuple[str, str, int | str]:
    assert isinstance(step.result, int | str)
    return step.formula, step.numbers, step.result


def _flat(subject: Subject, section: Section, before: str, after: str) -> Section:
    shape = subject.inputs[0]
    if subject.output == (prod(shape),) and len(shape) > 1:
        section.steps.append(Step("out", "channels x height x width", times(*shape), subject.output[0], "features"))
    else:
        rule = " ".join((getdoc(subject.layer.out_shape) or "").split())
        section.notes.append(f"{before} to {after}. {rule}")
    return section


def _axis_step(subject: Subject, axis: int) -> Step:
    size, out = subject.inputs[0][1 + axis], subject.output[1 + axis]
    if subject.is_transposed:
        return _transposed(subject, axis, size, out)
    if hasattr(subject.layer, "output_size"):
        return Step("", "output_size, as asked for", "", out)
    if hasattr(subject.layer, "scale_factor"):
        scale = getattr(subject.layer, "scale_factor", None)
        if scale is None:
            return Step("", "size, as asked for", "", out)
        factor = scale[axis] if isinstance(scale, tuple) else scale
        return Step("", "floor(in x scale_factor)", f"floor({size} x {factor:g})", out)
    reads = subject.reads[axis]
    assert isinstance(reads, Window)
    return _sliding(subject, reads, size, out)


def _transposed(subject: Subject, axis: int, size: int, out: int) -> Step:
    kernel, (stride, padding, dilation, extra) = (
        subject.kernel[axis],
        [subject.pair(name, (0, 0))[axis] for name in ("stride", "padding", "dilation", "output_padding")],
    )
    return Step(
        "",
        "(in - 1) x stride - 2 x padding + dilation x (kernel - 1) + output_padding + 1",
        f"({size} - 1) x {stride} - 2 x {padding} + {dilation} x ({kernel} - 1) + {extra} + 1",
        out,
    )


def _sliding(subject: Subject, window: Window, size: int, out: int) -> Step:
    kernel, stride, padding, dilation = window.kernel, window.stride, window.padding, window.dilation
    reach = f"- {dilation} x ({kernel} - 1) - 1"
    if sliding_size(size, kernel, stride, 2 * padding, dilation) == out:
        return Step(
            "",
            "floor((in + 2 x padding - dilation x (kernel - 1) - 1) / stride) + 1",
            f"floor(({size} + 2 x {padding} {reach}) / {stride}) + 1",
            out,
        )
    if getattr(subject.layer, "ceil_mode", False):
        dropped = out < sliding_size(size, kernel, stride, 2 * padding + stride - 1, dilation)
        less, why = (" - 1", ", since the last window would start behind the input") if dropped else ("", "")
        return Step(
            "",
            f"ceil((in + 2 x padding - dilation x (kernel - 1) - 1) / stride) + 1{less}{why}",
            f"ceil(({size} + 2 x {padding} {reach}) / {stride}) + 1{less}",
            out,
        )
    after = (out - 1) * stride + dilation * (kernel - 1) + 1 - size - padding
    return Step(
        "",
        "floor((in + before + after - dilation x (kernel - 1) - 1) / stride) + 1",
        f"floor(({size} {plus(padding)} {plus(after)} {reach}) / {stride}) + 1",
        out,
    )


def _adaptive_notes(subject: Subject) -> list[str]:
    """Which input positions adaptive pooling shares out to which output."""
    if not hasattr(subject.layer, "output_size"):
        return []
    notes = [_adaptive_note(subject, axis) for axis in (0, 1)]
    if notes[0] == notes[1]:
        return [f"Along each axis, {notes[0]}"] if notes[0] else []
    return [f"Along the {name}, {note}" for name, note in zip(AXES, notes, strict=True) if note]


def _adaptive_note(subject: Subject, axis: int) -> str:
    size, out = subject.inputs[0][1 + axis], subject.output[1 + axis]
    if isinstance(subject.reads[axis], Whole):
        return f"each output reads all {size} positions."
    if not isinstance(subject.reads[axis], Phases):
        return ""
    bounds = [adaptive_bounds(unit, size, out) for unit in range(min(out, 3))]
    shown = ", ".join(f"{first} to {last - 1}" for first, last in bounds)
    return (
        f"output o reads floor(o x in / out) to ceil((o + 1) x in / out) - 1: {shown}{' and so on' * (out > 3)}. "
        f"Windows differ in size or overlap, since {out} does not divide {size}."
    )
