"""The receptive field: the recurrence with numbers, or the union where it is not one."""

from __future__ import annotations

from fractions import Fraction

from archlab.analysis.receptive_field.axis_field import AxisField, UnitTable
from archlab.analysis.receptive_field.fields import ReceptiveField
from archlab.diagnostics.words import listed
from archlab.explain.section import Section, Step, alike, number
from archlab.explain.subject import Subject
from archlab.layers.geometry import Phases, Reads, Whole, Window
from archlab.layers.shape import axis_count, is_map
from archlab.report.units import field_text, misalignment_text
from archlab.report.viewpoint import input_words

SOURCE = "Araujo, Norris & Sim 2019"


def field_section(subject: Subject) -> Section:
    """Size, stride and start along each axis; once where both are alike."""
    section = Section("receptive_field", "receptive field", SOURCE)
    field = subject.report.receptive_field
    if field.unknown and not any(field.axes):
        section.source = ""
        section.notes.append("Unknown: this layer, or one on the way, does not say what it reads.")
    elif field.is_nothing:
        section.source = ""
        section.notes.append(f"None: no way leads here from {input_words(subject.analysis.graph)}.")
    elif field.is_global:
        section.source = ""
        section.notes.append(_why_global(subject))
    elif len(subject.inputs) > 1 and not subject.is_adaptive:
        _join(subject, section, field)
    else:
        axes = alike([_axis(subject, field, axis) for axis in range(len(field.axes))])
        if len(axes) == 1:
            section.steps += axes[0][1][0]
            section.notes += axes[0][1][1]
        else:
            for names, (steps, notes) in axes:
                section.steps += [Step(f"{s.name} ({names})", s.formula, s.numbers, s.result, s.remark) for s in steps]
                section.notes += [f"Along the {names}: {note[0].lower()}{note[1:]}" for note in notes]
    section.notes += _marks(subject, field)
    return section


def _why_global(subject: Subject) -> str:
    if not is_map(subject.analysis.graph.input_shape):
        return "None: the network's input is flat, and has no positions that a unit could see."
    extent = f"{_whole(subject)} ({' x '.join(map(str, subject.analysis.graph.input_shape[1:]))})"
    seen = [subject.field_before(which).is_global for which in range(len(subject.inputs))]
    if len(seen) > 1 and any(seen) and not all(seen):
        nodes = subject.analysis.graph.nodes
        paths = [nodes[i].path for i, whole in zip(subject.node.inputs, seen, strict=True) if whole]
        return f"It joins {listed(paths)}, whose units see {extent}, and so do its own."
    if all(seen):
        return f"Its input already sees {extent}, and so does each of its units."
    if not is_map(subject.output):
        return f"A flat result has no positions: each of its units is taken to see {extent}."
    return f"Each of its units reads its whole input: from here on, everything sees {extent}."


def _whole(subject: Subject) -> str:
    """What a unit sees that sees everything: an input of two axes is an image."""
    return f"the whole {'image' if axis_count(subject.analysis.graph.input_shape) == 2 else 'input'}"


def _axis(subject: Subject, field: ReceptiveField, axis: int) -> tuple[list[Step], list[str]]:
    before, after, reads = subject.field_before().axes[axis], field.axes[axis], subject.reads[axis]
    if after is None or before is None:
        return [], ["Each unit sees the whole axis."]
    if isinstance(reads, Window) and reads.is_identity:
        sizes = ", ".join(map(str, after.sizes[:8])) + (", ..." if len(after.sizes) > 8 else "")
        return [], [f"As its input's: size {sizes}, stride {after.stride}, start {_start(after)}."]
    if isinstance(reads, Window) and before.uniform is not None and before.sizes[0] > 0:
        return _recurrence(before, after, reads)
    return _gathered(subject, before, after, reads, axis)


def _recurrence(before: AxisField, after: AxisField, window: Window) -> tuple[list[Step], list[str]]:
    """The closed forms."""
    jump, size = number(before.stride), before.sizes[-1]
    dilated = window.dilation > 1
    steps = [
        Step(
            "size",
            f"size before + {'dilation x ' if dilated else ''}(kernel - 1) x stride before",
            f"{size} + {f'{window.dilation} x ' if dilated else ''}({window.kernel} - 1) x {jump}",
            after.sizes[-1],
        ),
        Step("stride", "stride before x stride", f"{jump} x {window.stride}", after.stride),
        Step("start", "start before - padding x stride before", f"{before.start} - {window.padding} x {jump}",
             _start(after), "the first position that the first unit sees"),
    ]  # fmt: skip
    if window.padding < 0:
        start = f"{before.start} + {-window.padding} x {jump}"
        steps[2] = Step("start", "start before + cut x stride before", start, _start(after))
    return steps, _coverage(after)


def _gathered(
    subject: Subject, before: AxisField, after: AxisField, reads: Reads, axis: int
) -> tuple[list[Step], list[str]]:
    """Units that do not all see alike."""
    assert not isinstance(reads, Whole)
    steps = [_gathered_stride(before, after, reads)]
    notes = ["Each unit sees what the input units that it reads see, together:"]
    shown = min(subject.output[1 + axis], reads.up if isinstance(reads, Phases) else 2, 4)
    for unit in range(shown):
        first, last, _ = after.span(unit)
        units = reads.of(unit)
        read = ", ".join(map(str, units[:6])) + (", ..." if len(units) > 6 else "")
        span = f"positions {first} to {last}, size {last - first + 1}" if last >= first else "nothing"
        notes.append(f"  unit {unit} reads input unit{'s' if len(units) != 1 else ''} {read or 'none'}: sees {span}")
    sizes = after.sizes
    text = ", ".join(map(str, sizes[:8])) + (", ..." if len(sizes) > 8 else "")
    steps.append(Step("size", "the largest of these", "", sizes[-1], f"all sizes: {text}" if len(sizes) > 1 else ""))
    steps.append(Step("start", "", "", _start(after), "the first position that the first unit sees"))
    return steps, notes + _coverage(after)


def _start(after: AxisField) -> int | str:
    return "none" if after.start is None else after.start


def _measured_stride(after: UnitTable) -> Step:
    """Behind maps that move at different speeds, each unit being a case of its own."""
    first, last, units = after.span(0), after.span(after.units - 1), after.units
    formula = numbers = ""
    if after.stride:
        formula = "(first + last of the last unit - first - last of unit 0) / 2 / (units - 1)"
        numbers = f"({last[0]} + {last[1]} - {first[0]} - {first[1]}) / 2 / ({units} - 1)".replace("- -", "+ ")
    return Step("stride", formula, numbers, after.stride, "from centre to centre: the joined maps' speeds differ")


def _gathered_stride(before: AxisField, after: AxisField, reads: Window | Phases) -> Step:
    if isinstance(after, UnitTable) and after.speed is None:
        return _measured_stride(after)
    ratio = Fraction(reads.stride) if isinstance(reads, Window) else Fraction(reads.down, reads.up)
    return Step(
        "stride", "stride before x input units per output unit", f"{number(before.stride)} x {ratio}", after.stride
    )


def _coverage(after: AxisField) -> list[str]:
    share = after.coverage
    if share is None or share == 1:
        return []
    return [f"Only {share:.1%} of these positions are read, the others are holes."]


def _join(subject: Subject, section: Section, field: ReceptiveField) -> None:
    section.source = ""
    section.notes.append("A join sees what its inputs see, together (the union, unit by unit):")
    for which, index in enumerate(subject.node.inputs):
        path = subject.analysis.graph.nodes[index].path or "the input"
        section.notes.append(f"  {path}: {field_text(subject.field_before(which))}")
    section.steps.append(Step("size", "the union", "", field_text(field)))


def _marks(subject: Subject, field: ReceptiveField) -> list[str]:
    notes: list[str] = []
    if field.context:
        notes.append(f"A gate on the way sees {_whole(subject)}, but only scales what this field holds.")
    if field.adaptive:
        notes.append("The regular grid's: a layer on the way moves its positions by learned offsets.")
    apart = field.misalignment
    if apart is not None:
        here = apart.path == subject.node.path
        where = "The units that are joined here" if here else f"The units that {apart.path}, on the way, joins"
        notes.append(f"{where} are not centred on one position: their centres lie {misalignment_text(apart)}.")
    return notes
