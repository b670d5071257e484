"""Joins of units that are centred on different positions."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from archlab.diagnostics.codes import RuleName
from archlab.graph import Node
from archlab.lint.rule import Finding, Rule, Subject, at

MOST_STEPS = Fraction(1, 2)
"""Of the coarsest map on the way: so far a map that is made larger lies beside the finer one anyway."""


def _find(subject: Subject) -> Iterator[Finding]:
    coarsest = _coarsest(subject)
    for node in subject.graph.layers:
        field = subject.field(node)
        apart = None if field is None else field.misalignment
        if apart is None or apart.path != node.path:
            continue
        for axis, mean in enumerate(apart.mean):
            step = coarsest[node.index][axis]
            if mean > MOST_STEPS * step and not _is_meant(subject, node, axis):
                yield at(node, _message(mean, apart.largest[axis], step))
                break


def _message(mean: Fraction, largest: Fraction, step: Fraction) -> str:
    return (
        f"the units that it joins are centred {float(mean):.3g} input positions apart on average (up to "
        f"{float(largest):.3g}), more than half a step of the coarsest map in front ({float(step):.3g}); give the "
        "paths the same kernels, strides and padding, or cut from both sides"
    )


def _coarsest(subject: Subject) -> list[tuple[Fraction, ...]]:
    """For every node, the largest distance between units of any map in front of it, along each axis."""
    rank = len(subject.analysis.total.receptive_field.axes)
    found = [(Fraction(1),) * rank for _ in subject.graph.nodes]
    for node in subject.graph.layers:
        field = subject.field(node)
        own = tuple([Fraction(1) if axis is None else axis.stride for axis in field.axes]) if field else found[0]
        found[node.index] = tuple([max(steps) for steps in zip(own, *[found[i] for i in node.inputs], strict=True)])
    return found


def _is_meant(subject: Subject, node: Node, axis: int) -> bool:
    """Whether the paths end at one position (causal layers), or one sees all that there is (attention)."""
    sources = [subject.graph.nodes[i] for i in node.inputs]
    known = [field.axes[axis] for source in sources if (field := subject.field(source)) and not field.is_nothing]
    spans = [field for field in known if field is not None]
    if any(field.sizes[0] >= subject.graph.input_shape[1 + axis] for field in spans):
        return True
    ends = {(field.span(0)[1], field.stride) for field in spans}
    if 0 in node.inputs:
        ends.add((0, Fraction(1)))
    return len(known) == len(spans) and len(ends) == 1


RULE = Rule(
    RuleName("misaligned-join", "The units that a join puts together are centred on different positions."),
    "What is added or stacked there belongs to different places of the image. Left out are shifts up to half a step of "
    "the coarsest map in front, as resizing makes them, causal layers, and paths that see everything.",
    "Araujo et al. 2019, Computing Receptive Fields of Convolutional Neural Networks (Distill), Alignment issues",
    """\
input: [3, 32, 32]
layers:
  - {name: stem, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: branches, merge: add, paths: [
       [{type: conv2d, out_channels: 8, kernel_size: 5}],
       [{type: conv2d, out_channels: 8, kernel_size: 1}, {type: narrow, dim: 2, start: 0, length: 28},
        {type: narrow, dim: 3, start: 0, length: 28}]]}
""",
    """\
input: [3, 32, 32]
layers:
  - {name: stem, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: branches, merge: add, paths: [
       [{type: conv2d, out_channels: 8, kernel_size: 5}],
       [{type: conv2d, out_channels: 8, kernel_size: 1}, {type: narrow, dim: 2, start: 2, length: 28},
        {type: narrow, dim: 3, start: 2, length: 28}]]}
""",
    _find,
)
