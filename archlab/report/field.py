"""The report of `archlab receptive-field`: growth along the network, and the effective field of one unit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archlab.analysis.receptive_field.effective import EffectiveAxis, EffectiveField
from archlab.analysis.receptive_field.fields import ReceptiveField
from archlab.analysis.receptive_field.productivity import border_layer
from archlab.analysis.row import Row
from archlab.diagnostics.words import counted
from archlab.layers.shape import AXIS_NAMES, UNIT_NAMES, map_size, shape_text, size_along
from archlab.report.rows import field_dict
from archlab.report.units import axes_text, field_marks, largest_text, misalignment_text, percent_text, set_text
from archlab.report.viewpoint import input_dict, input_text, input_words

if TYPE_CHECKING:
    from archlab.analysis.result import Analysis, LayerReport
    from archlab.graph import Node
    from archlab.torch.effective import MeasuredField

NOTES = (
    "Sizes, start and centre are in input positions; start and centre are those of the first unit. Coverage: share of",
    "the interval that is read. Cut: share of the units whose field the border of the input cuts. Layers that change",
    "nothing are left out. Critical: along some path, unproductive: along every path, the layer's input already sees",
    "the whole image (Richter et al. 2021); border: the first unproductive layer.",
)
CONTEXT_NOTES = (
    "+context: a gate on the way (squeeze-excitation, or a norm over the map) sees the whole input; it scales what the",
    "field holds, and adds nothing to it.",
)
ESTIMATE_NOTES = (
    "Estimate: share of the paths that end at a position, each unit being the mean of what it reads (Luo et al. 2016).",
    "The interval is the smallest around the centre of the theoretical field that holds 95 % of the weight.",
)
MEASURED_NOTES = (
    "Measured: squared gradients, each sample's divided by its sum, so that no scale of weights or images counts. The",
    "usual picture of log10(1 + x) is not so: multiply all gradients by a constant, and its areas change.",
)


@dataclass(frozen=True)
class FieldReport:
    """Everything about the receptive field of one unit.

    Attributes:
        analysis: of the network.
        node: the layer.
        unit: an index for each axis of its map.
        estimate: the effective field of the linear network; None if unknown.
        measured: with gradients, if asked for.
    """

    analysis: Analysis
    node: Node
    unit: tuple[int, ...]
    estimate: EffectiveField | None
    measured: MeasuredField | None = None

    @property
    def field(self) -> ReceptiveField:
        """The theoretical field of the layer."""
        return self.analysis.layers[self.node.index - 1].receptive_field

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """First and last position of the unit's theoretical field, along each axis."""
        return unit_spans(self.analysis, self.node, self.unit)

    @property
    def unit_text(self) -> str:
        """`unit 3,3 of layer4.2.relu3`."""
        return f"unit {','.join(map(str, self.unit))} of {self.node.path}"

    def _why_none(self) -> str:
        """Why there is no estimate."""
        if self.field.is_nothing:
            return f"no way leads to it from {input_words(self.analysis.graph)}"
        if self.field.unknown:
            return "a layer on the way does not say what it reads"
        return "it reads no input, or too many positions or layers lie between"

    @property
    def layer_sizes_text(self) -> str:
        """`units of its layer: 188 or 204`; empty where all see as much as this one."""
        extents = self.analysis.graph.input_shape[1:]
        axes = zip(self.field.axes, extents, strict=True)
        sizes = [[extent] if axis is None else axis.sizes for axis, extent in axes]
        if all(len(one) == 1 for one in sizes):
            return ""
        texts = [_either(one) for one in sizes]
        told = [f"{text} {word}" for text, word in zip(texts, UNIT_NAMES[len(texts)], strict=True)]
        return f"units of its layer: {texts[0] if len(set(texts)) == 1 else ', '.join(told)}"

    @cached_property
    def words(self) -> dict[int, str]:
        """By node index: productive, critical, unproductive or border."""
        words: dict[int, str] = dict(self.analysis.productivity)
        border = border_layer(self.analysis.productivity)
        return words if border is None else {**words, border: "border"}

    def to_dict(self) -> Row:
        """The JSON object."""
        measured = self.measured
        graph = self.analysis.graph
        return {
            "name": graph.name,
            "variant": graph.variant,
            "input": input_dict(self.analysis),
            "layer": self.node.path,
            "unit": list(self.unit),
            "receptive_field": field_dict(self.field, graph.input_shape, self.node.shape),
            "span": [list(span) for span in self.spans],
            "effective": None if self.estimate is None else _effective_dict(self.estimate, self.estimate.area),
            "measured": None
            if measured is None
            else {
                **_effective_dict(measured.axes, measured.area),
                "contribution_area": measured.contribution_area,
                "samples": measured.samples,
                "silent_samples": measured.silent,
                "images": measured.images,
                "weights": measured.weights,
                "map": measured.shares,
            },
            "layers": [
                {
                    "path": layer.node.path,
                    "type": layer.node.layer.type,
                    "output_shape": [self.analysis.batch, *layer.node.shape],
                    "productivity": self.words.get(layer.node.index),
                    "receptive_field": field_dict(layer.receptive_field, graph.input_shape, layer.node.shape),
                }
                for layer in self.analysis.layers
            ],
        }

    def growth_rows(self) -> list[Row]:
        """A flat row for each layer that changes the field, and for the chosen one."""
        return [self._row(layer) for layer in self._shown]

    @cached_property
    def _shown(self) -> list[LayerReport]:
        return [layer for layer in self.analysis.layers if self._is_shown(layer)]

    def _is_shown(self, layer: LayerReport) -> bool:
        if map_size(layer.node.shape) is None:
            return False
        if layer.node is self.node:
            return True
        if layer.receptive_field.is_global or layer.receptive_field.is_nothing:
            return False
        if layer.node.index in self.words:
            return True
        mine = _signature(layer.receptive_field)
        layers = self.analysis.layers
        return all(i == 0 or _signature(layers[i - 1].receptive_field) != mine for i in layer.node.inputs)

    def _row(self, layer: LayerReport) -> Row:
        field = field_dict(layer.receptive_field, self.analysis.graph.input_shape, layer.node.shape)
        return {
            "layer": layer.node.path,
            "type": layer.node.layer.type,
            "output": shape_text(layer.node.shape),
            "size": "global" if field["global"] else axes_text([set_text(sizes) for sizes in field["sizes"]]),
            "units": axes_text([set_text(counts) for counts in field["counts"]]),
            "stride": axes_text(field["stride"]),
            "start": axes_text(field["start"]),
            "centre": axes_text(field["centre"]),
            "coverage": axes_text([percent_text(share) for share in field["coverage"]]),
            "cut": axes_text([percent_text(share) for share in field["cut"]]),
            "marks": " ".join(field_marks(layer.receptive_field)),
            "productivity": self.words.get(layer.node.index, ""),
        }

    def effective_rows(self) -> list[Row]:
        """A flat row for each axis, estimated and measured."""
        found: list[tuple[str, EffectiveField]] = []
        if self.estimate is not None:
            found.append(("estimate", self.estimate))
        if self.measured is not None:
            found.append(("measured", self.measured.axes))
        return [
            {
                "effective field": what,
                "axis": word,
                "theoretical": f"{axis.span[1] - axis.span[0] + 1}  [{axis.span[0]}, {axis.span[1]}]",
                "std": f"{axis.std:.2f}",
                "95 % interval": f"{axis.size}  [{axis.interval[0]}, {axis.interval[1]}]",
                "of theoretical": f"{axis.ratio:.1%}",
                "inside the input": f"{axis.inside:.1%}",
            }
            for what, field in found
            for word, axis in zip(AXIS_NAMES[len(field.axes)], field.axes, strict=True)
        ]

    def areas(self) -> list[str]:
        """Sentences about the areas."""
        if self.estimate is None:
            lines = [f"{self.unit_text}: no estimate ({self._why_none()})"]
        else:
            lines = [f"estimate: an area of {self.estimate.area:,.0f} input positions (exp of the entropy)"]
        measured = self.measured
        if measured is not None:
            silent = f", {measured.silent} more without gradient" if measured.silent else ""
            lines.append(
                f"measured: an area of {measured.area:,.0f} input positions (exp of the entropy); "
                f"{measured.contribution_area:,} hold 95 % of it; "
                f"mean of {counted(measured.samples, 'sample')}{silent}: {measured.images}, {measured.weights}"
            )
        return lines

    def title(self) -> str:
        """Name, input and unit."""
        return f"{self.analysis.graph.name}: {input_text(self.analysis)}, {self.unit_text}"

    def notes(self) -> tuple[str, ...]:
        """What the numbers mean."""
        adaptive = (self.adaptive_note,) if self.field.adaptive else ()
        return (
            NOTES
            + self._context_notes
            + self._misaligned_notes
            + adaptive
            + ESTIMATE_NOTES
            + (MEASURED_NOTES if self.measured is not None else ())
        )

    @property
    def _context_notes(self) -> tuple[str, ...]:
        return CONTEXT_NOTES if any(layer.receptive_field.context for layer in self._shown) else ()

    @property
    def _misaligned_notes(self) -> tuple[str, ...]:
        """Of the join, among those on the way to the layers shown, whose units lie farthest apart."""
        found = [layer.receptive_field.misalignment for layer in self._shown]
        known = [apart for apart in found if apart is not None]
        if not known:
            return ()
        worst = max(known, key=lambda apart: max(apart.largest))
        return (
            "Misaligned: a join on the way joins units that are not centred on one position; the number is how far, at",
            f"most, their centres lie apart. At the worst join, {worst.path}: {misalignment_text(worst)}.",
        )

    @property
    def adaptive_note(self) -> str:
        """What learned offsets do to the field."""
        bound = self.analysis.bounded_field_of(self.node.index)
        reach = "without a bound" if bound is None else f"up to a size of {largest_text(bound)}"
        return f"The fields are those of the regular grid; the offsets of deformable convolutions move it, {reach}."


def unit_spans(analysis: Analysis, node: Node, unit: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """First and last position of a unit's theoretical field, along each axis."""
    field, extents = analysis.layers[node.index - 1].receptive_field, analysis.graph.input_shape[1:]
    if size_along(node.shape, len(extents)) is None:  # one that has other axes than the input
        unit = (0,) * len(extents)
    seen = zip(field.axes, unit, extents, strict=True)
    return tuple([(0, extent - 1) if axis is None else axis.span(at)[:2] for axis, at, extent in seen])


def _signature(field: ReceptiveField) -> tuple[Any, ...]:
    axes = [None if axis is None else (axis.stride, tuple(axis.cases())) for axis in field.axes]
    return *axes, *field_marks(field)


def _effective_dict(field: EffectiveField, area: float) -> Row:
    def each(value: Any) -> list[Any]:
        return [value(axis) for axis in field.axes]

    def weights(axis: EffectiveAxis) -> Row:
        return {"first": axis.first, "weights": list(axis.weights)}

    return {
        "mean": each(lambda axis: axis.mean),
        "std": each(lambda axis: axis.std),
        "interval": each(lambda axis: list(axis.interval)),
        "size": each(lambda axis: axis.size),
        "ratio": each(lambda axis: axis.ratio),
        "inside": each(lambda axis: axis.inside),
        "area": area,
        "axes": each(weights),
    }


def _either(sizes: list[int]) -> str:
    """`188`, `188 or 204`; `188 to 460` of many."""
    if len(sizes) > 3:
        return f"{sizes[0]} to {sizes[-1]}"
    *others, last = map(str, sizes)
    return f"{', '.join(others)} or {last}" if others else last
