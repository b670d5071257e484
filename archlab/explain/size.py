"""How the output's size comes about."""

from __future__ import annotations

from archlab.explain.rearranged import RULES, rearranged
from archlab.explain.section import Section, Step, alike, plus
from archlab.explain.subject import Subject
from archlab.layers.geometry import Phases, Whole, Window, adaptive_bounds
from archlab.layers.sliding import sliding_size

SOURCE = "Dumoulin & Visin 2016"


def size_section(subject: Subject) -> Section:
    """The formula of each axis; one for both where they are alike."""
    section = Section("size", "output size")
    if not _slides(subject):
        rearranged(subject, section)
        return section
    section.source = SOURCE
    steps = alike([_axis_step(subject, axis) for axis in range(subject.rank)])
    if len(steps) == 1:
        ((names, step),) = steps
        section.steps.append(Step("out", *_parts(step), f"{names} alike" if subject.rank > 1 else ""))
    else:
        section.steps += [Step(f"out {names}", *_parts(step)) for names, step in steps]
    section.notes += _ceil_notes(subject) + _adaptive_notes(subject)
    return section


def _slides(subject: Subject) -> bool:
    """Whether there is a formula for each axis."""
    if not subject.is_map_to_map or subject.layer.type in RULES:
        return False
    if subject.weight or hasattr(subject.layer, "output_size") or hasattr(subject.layer, "scale_factor"):
        return True
    known = len(subject.inputs) == 1 and all(isinstance(axis, Window) for axis in subject.reads)
    return known and not all(isinstance(axis, Window) and axis.is_identity for axis in subject.reads)


def _parts(step: Step) -> tuple[str, str, int | str]:
    assert isinstance(step.result, int | str)
    return step.formula, step.numbers, step.result


def _axis_step(subject: Subject, axis: int) -> Step:
    size, out = subject.inputs[0][1 + axis], subject.output[1 + axis]
    if subject.is_transposed:
        return _transposed(subject, axis, size, out)
    if hasattr(subject.layer, "output_size"):
        asked = subject.layer.output_size[axis] is not None
        return Step("", "output_size, as asked for" if asked else "in, since output_size is null", "", out)
    if hasattr(subject.layer, "scale_factor"):
        scale = getattr(subject.layer, "scale_factor", None)
        if scale is None:
            return Step("", "size, as asked for", "", out)
        factor = scale[axis] if isinstance(scale, tuple) else scale
        return Step("", "floor(in x scale_factor)", f"floor({size} x {_exact(factor)})", out)
    reads = subject.reads[axis]
    assert isinstance(reads, Window)
    if reads.kernel == reads.stride == 1 and not subject.weight and not hasattr(subject.layer, "kernel_size"):
        after = out - size - reads.padding
        return Step("", "in + before + after", f"{size} {plus(reads.padding)} {plus(after)}", out)
    return _sliding(subject, reads, size, out)


def _exact(factor: float) -> str:
    """`2`, or all digits that a factor has."""
    short = f"{factor:g}"
    return short if float(short) == factor else repr(factor)


def _transposed(subject: Subject, axis: int, size: int, out: int) -> Step:
    kernel, (stride, padding, dilation, extra) = (
        subject.kernel[axis],
        [subject.per_axis(name, 0)[axis] for name in ("stride", "padding", "dilation", "output_padding")],
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
    if getattr(subject.layer, "ceil_mode", False):
        less = " - 1" if _dropped(window, size, out) else ""
        return Step(
            "",
            f"ceil((in + 2 x padding - dilation x (kernel - 1) - 1) / stride) + 1{less}",
            f"ceil(({size} + 2 x {padding} {reach}) / {stride}) + 1{less}",
            out,
        )
    if sliding_size(size, kernel, stride, 2 * padding, dilation) == out:
        return Step(
            "",
            "floor((in + 2 x padding - dilation x (kernel - 1) - 1) / stride) + 1",
            f"floor(({size} + 2 x {padding} {reach}) / {stride}) + 1",
            out,
        )
    after = (out - 1) * stride + dilation * (kernel - 1) + 1 - size - padding
    return Step(
        "",
        "floor((in + before + after - dilation x (kernel - 1) - 1) / stride) + 1",
        f"floor(({size} {plus(padding)} {plus(after)} {reach}) / {stride}) + 1",
        out,
    )


def _dropped(window: Window, size: int, out: int) -> bool:
    """Whether `ceil_mode` would count one window more than there is."""
    stride, padding = window.stride, window.padding
    return out < sliding_size(size, window.kernel, stride, 2 * padding + stride - 1, window.dilation)


def _ceil_notes(subject: Subject) -> list[str]:
    """Why a last window of `ceil_mode` is left out: PyTorch's rule, with its numbers."""
    if not getattr(subject.layer, "ceil_mode", False):
        return []
    notes = [_ceil_note(subject, axis) for axis in range(subject.rank)]
    return _along_axes(notes)


def _along_axes(notes: list[str]) -> list[str]:
    """A sentence for each axis; one where all are alike."""
    found = alike(notes)
    if len(found) == 1:
        return [f"Along {'each axis' if len(notes) > 1 else f'the {found[0][0]}'}, {notes[0]}"] if notes[0] else []
    return [f"Along the {names}, {note}" for names, note in found if note]


def _ceil_note(subject: Subject, axis: int) -> str:
    window, size, out = subject.reads[axis], subject.inputs[0][1 + axis], subject.output[1 + axis]
    assert isinstance(window, Window)
    if not _dropped(window, size, out):
        return ""
    start, end = out * window.stride, size + window.padding
    return (
        "the last window is dropped (- 1), as (out - 1) x stride >= in + padding before the - 1: "
        f"{out} x {window.stride} = {start} >= {size} + {window.padding} = {end}, so that it would start behind the "
        "input and its left padding."
    )


def _adaptive_notes(subject: Subject) -> list[str]:
    """Which input positions adaptive pooling shares out to which output."""
    if not hasattr(subject.layer, "output_size"):
        return []
    notes = [_adaptive_note(subject, axis) for axis in range(subject.rank)]
    return _along_axes(notes)


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
