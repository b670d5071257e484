"""What is special about a layer: dilation, groups, depthwise separability, transposition, learned offsets.

Each topic looks at the layer's facts and says nothing where it does not apply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import prod

from archlab.analysis.result import LayerReport
from archlab.explain.attention import attention_section
from archlab.explain.batch_norm import batch_norm_section
from archlab.explain.deformable import deformable_section
from archlab.explain.section import Section, Step, alike, times
from archlab.explain.subject import Subject
from archlab.explain.transposed import transposed_section
from archlab.layers.geometry import Window
from archlab.layers.sliding import effective_kernel

EXTENT_NAMES = {1: "length", 2: "area", 3: "volume"}
"""By number of axes: what the product of the sizes along them is."""
Topic = Callable[[Subject], Section | None]


def topic_sections(subject: Subject) -> Iterator[Section]:
    """Every topic that applies."""
    for topic in TOPICS:
        section = topic(subject)
        if section is not None:
            yield section


def _grouped(subject: Subject) -> Section | None:
    if subject.groups == 1 or is_depthwise(subject):
        return None
    section = Section("grouped", "grouped convolution", "Krizhevsky et al. 2012; Xie et al. 2017")
    groups, share = subject.groups, Fraction(1, subject.groups)
    section.notes.append(
        f"{groups} convolutions side by side: each output channel reads {subject.inputs[0][0] // groups} of the "
        f"{subject.inputs[0][0]} input channels."
    )
    section.steps += _against_full(subject, "1 / groups", share)
    return section


def _against_full(subject: Subject, formula: str, share: Fraction) -> list[Step]:
    macs = subject.report.macs
    full = macs * subject.groups
    return [
        Step("ungrouped MACs", "MACs x groups", f"{macs:,} x {subject.groups}", full),
        Step("share", f"MACs / ungrouped MACs = {formula}", f"{macs:,} / {full:,}", share, f"{float(share):.2%}"),
    ]


def is_depthwise(subject: Subject) -> bool:
    """Whether each input channel is filtered on its own."""
    return subject.is_convolution and 1 < subject.groups == subject.inputs[0][0]


def _separable(subject: Subject) -> Section | None:
    """A depthwise convolution, alone or with the pointwise one behind it; shown at both."""
    if not subject.is_convolution or subject.is_transposed:
        return None
    depthwise, pointwise = subject, pointwise_after(subject)
    if not is_depthwise(subject):
        found = _depthwise_before(subject)
        if found is None:
            return None
        depthwise, pointwise = found, subject
    section = Section("depthwise_separable", "depthwise separable convolution", "Howard et al. 2017")
    if pointwise is None:
        channels = depthwise.groups
        section.title = "depthwise convolution"
        section.notes.append(f"Each of the {channels} input channels is filtered on its own; none are mixed.")
        section.steps += _against_full(depthwise, "1 / in_channels", Fraction(1, channels))
        return section
    _fill_separable(section, depthwise, pointwise)
    return section


def _fill_separable(section: Section, depthwise: Subject, pointwise: Subject) -> None:
    one, two = depthwise.report.macs, pointwise.report.macs
    out, kernel, channels = pointwise.output[0], depthwise.kernel, depthwise.inputs[0][0]
    full = prod(pointwise.output) * channels * prod(kernel) * depthwise.batch
    section.notes.append(
        f"{depthwise.node.path} filters each channel alone, {pointwise.node.path} mixes them at each position."
    )
    if depthwise.output[0] != channels:
        section.notes.append(f"Here each channel is filtered {depthwise.output[0] // channels} times.")
    batch = [depthwise.batch] if depthwise.batch > 1 else []
    section.steps += [
        Step("both", "depthwise MACs + pointwise MACs", f"{one:,} + {two:,}", one + two),
        Step(
            "full convolution",
            f"{'batch x ' if batch else ''}out_channels x {pointwise.words('out')} x in_channels x kernel",
            times(*batch, *pointwise.output, channels, *kernel),
            full,
        ),
    ]
    share = Fraction(one + two, full)
    area = depthwise.words("kernel")
    if depthwise.output[0] == channels:
        formula = f"both / full convolution = 1 / out_channels + 1 / {_grouped_text(area)}"
        numbers = f"1 / {out} + 1 / {_grouped_text(times(*kernel))}"
    else:
        formula, numbers = "both / full convolution", f"{one + two:,} / {full:,}"
    section.steps.append(
        Step("share", formula, numbers, share, f"{float(share):.2%}, {float(1 / share):.1f} times less")
    )


def _grouped_text(product: str) -> str:
    """A product in parentheses, if it is one."""
    return f"({product})" if " x " in product else product


def pointwise_after(subject: Subject) -> Subject | None:
    """The 1x1 convolution behind norms and activations, if nothing else reads what is between."""
    index = subject.node.index
    while True:
        readers = subject.readers(index)
        if len(readers) != 1:
            return None
        reader = Subject(subject.analysis, readers[0])
        if _is_pointwise(reader):
            return reader
        if reader.layer.role not in ("norm", "activation"):
            return None
        index = reader.node.index


def _depthwise_before(subject: Subject) -> Subject | None:
    if not _is_pointwise(subject):
        return None
    index = subject.node.inputs[0]
    while index:
        before = Subject(subject.analysis, _report(subject, index))
        if is_depthwise(before) and not before.is_transposed:
            after = pointwise_after(before)
            return before if after is not None and after.node is subject.node else None
        if before.layer.role not in ("norm", "activation"):
            return None
        index = before.node.inputs[0]
    return None


def _report(subject: Subject, index: int) -> LayerReport:
    return subject.analysis.layers[index - 1]


def _is_pointwise(subject: Subject) -> bool:
    return (
        subject.is_convolution
        and not subject.is_transposed
        and prod(subject.kernel) == 1
        and subject.groups == 1
        and subject.output[1:] == subject.inputs[0][1:]
    )


def _dilated(subject: Subject) -> Section | None:
    window = subject.reads
    if subject.is_transposed or not all(isinstance(axis, Window) for axis in window):
        return None
    sizes = [(axis.kernel, axis.dilation) for axis in window if isinstance(axis, Window)]
    if all(kernel == 1 or dilation == 1 for kernel, dilation in sizes):
        return None
    section = Section("dilated", "dilated (atrous) convolution", "Yu & Koltun 2016")
    found = alike(sizes)
    for names, (kernel, dilation) in found:
        label = "effective kernel" if len(found) == 1 else f"effective {names}"
        formula = "dilation x (kernel - 1) + 1"
        numbers = f"{dilation} x ({kernel} - 1) + 1"
        section.steps.append(Step(label, formula, numbers, effective_kernel(kernel, dilation)))
    taps = prod(kernel for kernel, _ in sizes)
    area, what = prod(effective_kernel(*size) for size in sizes), EXTENT_NAMES[len(sizes)]
    section.steps.append(
        Step(
            "taps read",
            f"kernel {what} / effective {what}",
            f"{taps} / {area}",
            Fraction(taps, area),
            f"{taps / area:.1%}",
        )
    )
    section.notes.append("It sees as far as the larger kernel, with the parameters and MACs of the small one.")
    section.notes.append(_gridding(subject))
    return section


def _gridding(subject: Subject) -> str:
    axes = [axis for axis in subject.report.receptive_field.axes if axis is not None]
    shares = [axis.coverage for axis in axes]
    known = [share for share in shares if share is not None]
    if not known or len(known) < len(shares):
        return "Whether its holes are filled by the layers before it is not known here."
    if min(known) == 1:
        which = "either" if len(axes) == 2 else "any"
        return f"No gridding: the layers before it fill the holes, and its field has none along {which} axis."
    return (
        f"Gridding: of its receptive field only {min(known):.1%} is read along an axis, the layers before it do not "
        "fill the holes (Wang et al. 2018: mix dilations without a common divisor)."
    )


TOPICS: tuple[Topic, ...] = (
    _grouped,
    _separable,
    _dilated,
    transposed_section,
    deformable_section,
    attention_section,
    batch_norm_section,
)
"""In the order in which they are shown."""
