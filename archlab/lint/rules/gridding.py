"""Dilated convolutions that leave holes in what a result sees."""

from __future__ import annotations

from collections.abc import Iterator

from archlab.analysis.receptive_field.axis_field import AxisField
from archlab.diagnostics.codes import RuleName
from archlab.graph import Node
from archlab.layers.geometry import Window
from archlab.layers.shape import AXIS_NAMES
from archlab.lint.rule import Finding, Rule, Subject, at


def _find(subject: Subject) -> Iterator[Finding]:
    told: set[int] = set()
    for output in subject.analysis.outputs:
        for axis, field in enumerate(output.largest_finite.axes):
            share = _share(field)
            if share is None or share == 1 or output.seen_at is not output.node:
                continue
            for node in _causes(subject, output.finite_at, axis):
                if node.index not in told:
                    told.add(node.index)
                    yield at(node, _message(output.finite_at, share, AXIS_NAMES[len(output.largest_finite.axes)][axis]))


def _message(seen_at: Node, share: float, axis: str) -> str:
    return (
        f"its dilation leaves holes that no layer behind it fills: along the {axis}, a unit of '{seen_at.path}' sees "
        f"{share:.0%} of the positions that its field spans; use dilations without a common factor (1, 2, 5), or plain "
        "convolutions behind them"
    )


def _causes(subject: Subject, end: Node, axis: int) -> Iterator[Node]:
    """The dilated layers at which holes begin that are still there at a node."""
    known = {end.index}
    waiting = [end]
    while waiting:
        node = waiting.pop()
        holed = [subject.graph.nodes[i] for i in node.inputs if _may_have_holes(subject, subject.graph.nodes[i], axis)]
        if not holed and _dilates(subject, node, axis):
            yield node
        for source in holed:
            if source.index not in known:
                known.add(source.index)
                waiting.append(source)


def _may_have_holes(subject: Subject, node: Node, axis: int) -> bool:
    """Whether it has, or sees the whole axis by another way beside those that have."""
    field = subject.field(node)
    return field is not None and _share(field.axes[axis]) != 1


def _dilates(subject: Subject, node: Node, axis: int) -> bool:
    return any(
        isinstance(window, Window) and window.kernel > 1 and window.dilation > 1
        for reads in subject.reads[node.index]
        for window in reads[axis : axis + 1]
    )


def _share(field: AxisField | None) -> float | None:
    return None if field is None else field.coverage


RULE = Rule(
    RuleName("gridding", "A dilated layer leaves holes in what a unit of a result sees."),
    "Units beside one another see disjoint sets of positions, which shows as a grid in dense predictions. "
    "Results without positions are left out.",
    "Wang et al. 2018, Understanding Convolution for Semantic Segmentation; Yu et al. 2017, Dilated Residual Networks",
    """\
input: [3, 64, 64]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 2, dilation: 2}
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 2, dilation: 2}
""",
    """\
input: [3, 64, 64]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 2, dilation: 2}
""",
    _find,
)
