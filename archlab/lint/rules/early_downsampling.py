"""Downsampling ahead of what the units see."""

from __future__ import annotations

from collections.abc import Iterator

from archlab.analysis.receptive_field.axis_field import AxisField
from archlab.analysis.receptive_field.fields import ReceptiveField
from archlab.diagnostics.codes import RuleName
from archlab.lint.rule import Finding, Rule, Subject, at


def _find(subject: Subject) -> Iterator[Finding]:
    for source, readers in zip(subject.graph.nodes, subject.readers, strict=True):
        before = subject.field(source)
        if before is None or not readers:
            continue
        early = [_early(before, subject.field(reader.node)) for reader in readers]
        axis = early[0]
        if axis is not None and None not in early:
            yield at(
                readers[0].node,
                f"its units stand {float(axis.stride):.3g} input positions apart and see {axis.sizes[-1]}: after two "
                "steps of downsampling, no two of them see anything in common; put a convolution that looks around in "
                "between, or use kernels larger than the strides",
            )


def _early(before: ReceptiveField, after: ReceptiveField | None) -> AxisField | None:
    """The axis along which a layer makes a map smaller once more and its units see no more than their own patch."""
    for was, axis in zip(before.axes, () if after is None else after.axes, strict=after is not None):
        if was is not None and axis is not None and 1 < was.stride < axis.stride and axis.sizes[-1] <= axis.stride:
            return axis
    return None


RULE = Rule(
    RuleName(
        "early-downsampling", "The map is made smaller a second time before its units see beyond their own patch."
    ),
    "Patches that do not overlap lose what lies across their borders. One such step is left out: it is the patch "
    "embedding of vision transformers. So are shortcuts, where another layer reads the same map and sees more.",
    "Xiao et al. 2021, Early Convolutions Help Transformers See Better",
    """\
input: [3, 64, 64]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 2, stride: 2}
  - {type: conv2d, out_channels: 16, kernel_size: 2, stride: 2}
""",
    """\
input: [3, 64, 64]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
  - {type: conv2d, out_channels: 16, kernel_size: 3, stride: 2, padding: 1}
""",
    _find,
)
