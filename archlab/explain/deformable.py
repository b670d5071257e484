"""Deformable convolution: taps that move."""

from __future__ import annotations

from math import isinf, prod

from archlab.explain.section import Section, Step, times
from archlab.explain.subject import Subject
from archlab.layers.geometry import largest_reach


def deformable_section(subject: Subject) -> Section | None:
    """What the offsets are, and what computing them costs."""
    if not subject.is_adaptive or not subject.is_convolution or len(subject.inputs) < 2:
        return None
    section = Section("deformable", "deformable convolution", "Dai et al. 2017; Zhu et al. 2019")
    offsets, kernel = subject.inputs[1][0], subject.kernel
    groups = offsets // (2 * prod(kernel))
    section.notes.append(
        "Each tap moves by a learned offset (rows, columns) of its own at each output position; values between "
        "positions are interpolated from the four around them, so the matrix depends on the data "
        "(up to 4 entries a tap)."
    )
    section.steps.append(
        Step(
            "offset channels",
            f"2 x offset groups x {subject.words('kernel')}",
            f"2 x {groups} x {times(*kernel)}",
            offsets,
        )
    )
    if len(subject.inputs) > 2:
        masks = subject.inputs[2][0]
        section.steps.append(
            Step("mask channels", f"offset groups x {subject.words('kernel')}", f"{groups} x {times(*kernel)}", masks)
        )
        section.notes.append("With masks (modulation, Zhu et al. 2019), each tap is also scaled by 0 to 1.")
    section.steps += _extra(subject)
    bound = largest_reach(subject.reads)
    reach = "have no bound" if isinf(bound) else f"reach at most {bound:g} positions"
    section.notes.append(f"Offsets {reach}; the receptive field above is the regular grid's, with all offsets zero.")
    return section


def _extra(subject: Subject) -> list[Step]:
    """The convolution that makes the offsets: every layer with weights between the shared input and the offsets."""
    nodes, reports = subject.analysis.graph.nodes, subject.analysis.layers
    start, found = subject.node.inputs[0], set[int]()
    ahead = list(subject.node.inputs[1:])
    while ahead:
        index = ahead.pop()
        if index > start and index not in found:
            found.add(index)
            ahead += nodes[index].inputs
    makers = [reports[index - 1] for index in sorted(found) if reports[index - 1].macs]
    if not makers:
        return []
    macs, params = sum(report.macs for report in makers), sum(report.params for report in makers)
    names = ", ".join(report.node.path for report in makers)
    own = subject.report.macs
    return [
        Step("offset parameters", f"of {names}", "", params, "beside the kernel's"),
        Step("offset MACs", f"of {names}", "", macs, f"{macs / own:.1%} of the kernel's {own:,}"),
    ]
