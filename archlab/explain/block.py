"""A block or a stage explained: what enters and leaves, its parts and how often, and its layers' formulas summed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple

from archlab.analysis.receptive_field.fields import ReceptiveField
from archlab.analysis.result import Analysis, LayerReport
from archlab.diagnostics.words import counted, listed
from archlab.explain.columns import aligned
from archlab.explain.cost import mac_lines, tensor_lines
from archlab.explain.section import Section, Step, alike, number
from archlab.explain.subject import Subject
from archlab.layers.describe import describe
from archlab.layers.geometry import Window, along
from archlab.layers.shape import Shape, shape_text
from archlab.report.units import axes_text, field_text

FIGURES = ("params", "macs", "flops")
"""What is summed up."""
MOST_TERMS = 6
"""Of a sum that is written out; the table of parts has the others."""


def unknown(reports: Sequence[LayerReport], figure: str) -> bool:
    """Whether a layer does not declare its part of a figure, so that sums are lower bounds."""
    return any(figure in report.unknown for report in reports)


def _bounded(total: int, least: str, nothing: str) -> str:
    return f"{least}{total:,}" if total else nothing


@dataclass(frozen=True)
class Part:
    """Direct parts of a block, one behind another, whose layers are alike.

    Attributes:
        names: of the parts.
        reports: the layers of the first.
    """

    names: tuple[str, ...]
    reports: tuple[LayerReport, ...]

    def total(self, figure: str) -> int:
        """Of one of them, as far as it is known."""
        return sum([getattr(report, figure) for report in self.reports])

    def text(self, figure: str) -> str:
        """The same for a table: `>= n` where a layer does not declare its own, `?` where that is all of it."""
        return _bounded(self.total(figure), ">= ", "?") if unknown(self.reports, figure) else f"{self.total(figure):,}"

    @property
    def name(self) -> str:
        """`1 to 3`, or one name."""
        return self.names[0] if len(self.names) == 1 else f"{self.names[0]} to {self.names[-1]}"


@dataclass(frozen=True)
class Block:
    """The layers whose paths begin alike.

    Attributes:
        analysis: of the network.
        path: how they begin.
        reports: their numbers, in order.
    """

    analysis: Analysis
    path: str
    reports: tuple[LayerReport, ...]

    @cached_property
    def _own(self) -> frozenset[int]:
        return frozenset([report.node.index for report in self.reports])

    @cached_property
    def entering(self) -> list[int]:
        """The nodes outside of it that it reads, in order."""
        return list(dict.fromkeys([i for r in self.reports for i in r.node.inputs if i not in self._own]))

    @cached_property
    def leaving(self) -> list[int]:
        """Its nodes that others read, or that are results; the last, where none is."""
        read = {i for report in self.analysis.layers if report.node.index not in self._own for i in report.node.inputs}
        read |= {index for _, index in self.analysis.graph.outputs}
        return [report.node.index for report in self.reports if report.node.index in read] or [max(self._own)]

    def shape(self, index: int) -> Shape:
        """Of a node."""
        return self.analysis.graph.nodes[index].shape

    def named(self, index: int) -> str:
        """A node's path."""
        return self.analysis.graph.nodes[index].path or "the input"

    @cached_property
    def parts(self) -> list[Part]:
        """Its direct parts, those that are alike together."""
        depth = self.path.count(".") + 1
        found = [
            (name, tuple(reports))
            for name, reports in groupby(self.reports, lambda report: report.node.path.split(".")[depth])
        ]
        made: list[Part] = []
        for name, reports in found:
            if made and self._likeness(made[-1].reports) == self._likeness(reports):
                made[-1] = Part((*made[-1].names, name), made[-1].reports)
            else:
                made.append(Part((name,), reports))
        return made

    def _likeness(self, reports: Sequence[LayerReport]) -> list[object]:
        shapes = self.analysis.graph.input_shapes
        return [(describe(r.node.layer), shapes(r.node), r.node.shape, r.params, r.macs) for r in reports]

    @cached_property
    def kinds(self) -> list[list[LayerReport]]:
        """Its layers, those with the same options and shapes together, in the order in which they first occur."""
        found: dict[object, list[LayerReport]] = {}
        for report in self.reports:
            found.setdefault(repr(self._likeness([report])), []).append(report)
        return list(found.values())


@dataclass(frozen=True)
class BlockExplanation:
    """A block's sections."""

    block: Block
    sections: list[Section]

    @property
    def heading(self) -> str:
        """Network, block, and what it makes of what."""
        block = self.block
        name = block.analysis.graph.name
        enters = " and ".join(shape_text(block.shape(index)) for index in block.entering)
        leaves = " and ".join(shape_text(block.shape(index)) for index in block.leaving)
        count = counted(len(block.reports), "layer")
        batch = f", batch {block.analysis.batch}" if block.analysis.batch > 1 else ""
        of = "" if name == block.path else f"{name}, "
        return f"{of}{block.path}: {count}: {enters} to {leaves}{batch}"

    def section(self, key: str) -> Section | None:
        """By key."""
        return next((section for section in self.sections if section.key == key), None)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        block = self.block
        batch = block.analysis.batch
        return {
            "name": block.analysis.graph.name,
            "path": block.path,
            "type": "block",
            "layers": [report.node.path for report in block.reports],
            "inputs": [{"path": block.named(i), "shape": [batch, *block.shape(i)]} for i in block.entering],
            "outputs": [{"path": block.named(i), "shape": [batch, *block.shape(i)]} for i in block.leaving],
            "sections": [section.to_dict() for section in self.sections],
        }


def find_block(analysis: Analysis, path: str) -> Block | None:
    """The layers under a path; None if there are none."""
    reports = tuple([report for report in analysis.layers if report.node.path.startswith(f"{path}.")])
    return Block(analysis, path, reports) if reports else None


def explain_block(block: Block) -> BlockExplanation:
    """A block's explanation."""
    return BlockExplanation(
        block,
        [_ends(block), _parts(block), _params(block), _cost(block), _field(block)],
    )


def _ends(block: Block) -> Section:
    section = Section("ends", "what enters and leaves")
    for index in block.entering:
        section.steps.append(Step("enters", "", "", shape_text(block.shape(index)), f"from {block.named(index)}"))
    for index in block.leaving:
        readers = [r.node.path for r in block.analysis.layers if index in r.node.inputs and r not in block.reports]
        to = f", to {listed(readers)}" if readers else ", a result"
        section.steps.append(Step("leaves", "", "", shape_text(block.shape(index)), f"{block.named(index)}{to}"))
    return section


def _parts(block: Block) -> Section:
    section = Section("parts", "its parts, and how often")
    rows = [["part", "times", "layers", "params each", "MACs each", "FLOPs each"]]
    for part in block.parts:
        numbers = [part.text(figure) for figure in FIGURES]
        rows.append([part.name, str(len(part.names)), str(len(part.reports)), *numbers])
    section.drawing = "\n".join(aligned(rows, frozenset(range(1, len(rows[0])))))
    section.data = {
        "parts": [
            {
                "names": list(part.names),
                "layers": len(part.reports),
                **{f: None if unknown(part.reports, f) else part.total(f) for f in FIGURES},
            }
            for part in block.parts
        ]
    }
    return section


def _total(block: Block, name: str, figure: str) -> Step:
    parts = [(len(part.names), part.total(figure)) for part in block.parts]
    total = sum(count * each for count, each in parts)
    said = [f"{count} x {each:,}" if count > 1 else f"{each:,}" for count, each in parts if each]
    if unknown(block.reports, figure):
        return Step(name, "sum over its parts", "", _bounded(total, "at least ", "unknown"))
    shown = len(said) <= MOST_TERMS and (len(parts) > 1 or parts[0][0] > 1)
    return Step(name, "sum over its parts", " + ".join(said) if shown else "", total)


def _kind_name(subject: Subject) -> str:
    before, after = shape_text(subject.inputs[0]), shape_text(subject.output)
    return f"{describe(subject.layer)}, {before} to {after}"


def _params(block: Block) -> Section:
    section = Section("params", "parameters")
    for reports in block.kinds:
        if not reports[0].params:
            continue
        subject = Subject(block.analysis, reports[0])
        tensors = [t for t in subject.layer.tensors(subject.inputs) if t.learnable]
        lines = [tensor_lines(subject, tensor.name, tensor.shape) for tensor in tensors]
        texts = [numbers or f"{tensor.elements:,}" for (_, numbers), tensor in zip(lines, tensors, strict=True)]
        numbers = _repeated(len(reports), " + ".join(texts))
        words = " + ".join(tensor.name for tensor in tensors)
        formula = words if len(reports) == 1 else f"layers x ({words})" if len(tensors) > 1 else f"layers x {words}"
        section.steps.append(Step(_kind_name(subject), formula, numbers, len(reports) * reports[0].params))
    if not section.steps and not unknown(block.reports, "params"):
        section.notes.append("None: nothing here is learned.")
        return section
    section.steps.append(_total(block, "params", "params"))
    return section


def _repeated(count: int, text: str) -> str:
    if count == 1:
        return text
    return f"{count} x ({text})" if " " in text else f"{count} x {text}"


def _cost(block: Block) -> Section:
    section = Section("cost", "multiply-accumulates and FLOPs")
    for reports in block.kinds:
        if not reports[0].macs:
            continue
        subject = Subject(block.analysis, reports[0])
        formula, numbers = mac_lines(subject)
        formula = f"layers x {formula}" if len(reports) > 1 else formula
        section.steps.append(
            Step(_kind_name(subject), formula, f"{len(reports)} x {numbers}" if len(reports) > 1 else numbers,
                 len(reports) * reports[0].macs)
        )  # fmt: skip
    if section.steps or unknown(block.reports, "macs"):
        section.steps.append(_total(block, "MACs", "macs"))
    section.steps.append(_total(block, "FLOPs", "flops"))
    silent = [report.node.path for report in block.reports if report.unknown]
    if silent:
        section.notes.append(f"Not all of it is declared for {listed(silent)}.")
    return section


def _field(block: Block) -> Section:
    section = Section("receptive_field", "receptive field", "Araujo, Norris & Sim 2019")
    last = block.analysis.layers[block.leaving[-1] - 1]
    before = _field_at(block, block.entering[0]) if block.entering else None
    section.steps.append(Step("size before", "", "", _text(before)))
    axes = len(last.receptive_field.axes)
    said = [_growth(block, last, axis) for axis in range(axes)] if axes else []
    if said and all(said):
        for names, step in alike(said):
            assert step is not None
            name = "size" if len(set(map(str, said))) == 1 else f"size ({names})"
            section.steps.append(Step(name, step.formula, step.numbers, step.result, step.remark))
    else:
        section.steps.append(Step("size", "of a unit that leaves", "", field_text(last.receptive_field)))
    if all(axis is not None for axis in last.receptive_field.axes):
        start = "1" if before is None else _strides(before)
        section.steps.append(Step("stride", "", "", f"{start} before, {_strides(last.receptive_field)} behind it"))
    return section


def _strides(field: ReceptiveField) -> str:
    return axes_text([None if axis is None else number(axis.stride) for axis in field.axes])


def _text(before: ReceptiveField | None) -> str:
    return "1" if before is None else field_text(before)


def _field_at(block: Block, index: int) -> ReceptiveField | None:
    return block.analysis.layers[index - 1].receptive_field if index else None


class _Grown(NamedTuple):
    """What one window adds to the field, along an axis."""

    dilation: int
    kernel: int
    stride: Fraction

    @property
    def size(self) -> Fraction:
        return self.dilation * (self.kernel - 1) * self.stride

    def text(self, count: int) -> str:
        times = f"{count} x " if count > 1 else ""
        dilated = f"{self.dilation} x " if self.dilation > 1 else ""
        return f"{times}{dilated}({self.kernel} - 1) x {number(self.stride)}"


def _growth(block: Block, last: LayerReport, axis: int) -> Step | None:
    """Along the way on which it grows the most: a term for each window; None where it does not add up to the field."""
    after = last.receptive_field.axes[axis]
    way = _way(block, last.node.index, axis)
    if after is None or after.uniform is None or way is None:
        return None
    start, windows = way
    size = _size(block, start, axis)
    if size is None or size + sum(window.size for window in windows) != after.sizes[-1]:
        return None
    if not windows:
        return Step("size", "as before", "", after.sizes[-1])
    dilated = "dilation x " if any(window.dilation > 1 for window in windows) else ""
    said = [window.text(len(list(group))) for window, group in groupby(windows)]
    return Step(
        "size",
        f"size before + {dilated}(kernel - 1) x stride before, of each window on the way",
        " + ".join([str(size), *said]),
        after.sizes[-1],
    )


def _way(block: Block, index: int, axis: int) -> tuple[int, list[_Grown]] | None:
    """From a node back to what enters, always to the input that sees the most: where it ends, and its windows."""
    own, found = {report.node.index for report in block.reports}, list[_Grown]()
    while index in own:
        subject = Subject(block.analysis, block.analysis.layers[index - 1])
        sizes = [_size(block, source, axis) for source in subject.node.inputs]
        known = [size for size in sizes if size is not None]
        if not known or len(known) < len(sizes):
            return None
        which = sizes.index(max(known))
        index = subject.node.inputs[which]
        reads = subject.layer.reads(subject.inputs, subject.output)[which]
        window, field = along(reads, axis), _field_at(block, index)
        before = None if field is None else field.axes[axis]
        if not isinstance(window, Window):
            return None
        if window.kernel > 1:
            found.append(_Grown(window.dilation, window.kernel, Fraction(1) if before is None else before.stride))
    return index, found[::-1]


def _size(block: Block, index: int, axis: int) -> int | None:
    """Of the field of a node's units; None where they differ, or see everything."""
    field = _field_at(block, index)
    if field is None:
        return 1
    found = field.axes[axis] if axis < len(field.axes) else None
    return None if found is None or found.uniform is None else found.sizes[-1]
