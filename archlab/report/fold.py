"""Layers folded to a depth of their paths: `layer1.0` instead of its eight layers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from archlab.analysis.receptive_field.fields import ReceptiveField
from archlab.analysis.result import Analysis, LayerReport
from archlab.layers.describe import describe
from archlab.layers.shape import shape_text
from archlab.report.units import count, si

NOTHING_UNKNOWN: frozenset[str] = frozenset()


@dataclass(slots=True)
class FoldedRow:
    """One line of a table: a layer, or several in one scope."""

    path: str
    what: str
    output: str
    params: int
    buffers: int
    macs: int
    flops: int
    activations: int
    activation_bytes: int
    receptive_field: ReceptiveField
    shared: bool
    """Whether any of the layers has the weights of an earlier one."""
    unknown: frozenset[str] = NOTHING_UNKNOWN
    """The numbers that an opaque layer among them does not declare."""

    def text(self, number: str) -> str:
        """A number as a table has it; `?` where nothing of it is known, `>= ...` where not all is."""
        value = getattr(self, number)
        if number in self.unknown:
            return f">= {si(value)}" if value else "?"
        return si(value) if value else "-"

    @property
    def params_text(self) -> str:
        """The params; `shared` where all are those of earlier layers; empty where there are none."""
        if "params" in self.unknown:
            return f">= {count(self.params)}" if self.params else "?"
        return count(self.params) if self.params else "shared" if self.shared else ""


def fold(analysis: Analysis, depth: int | None) -> list[FoldedRow]:
    """The layers, those with a common path of `depth` parts as one row; None folds nothing."""

    def key(layer: LayerReport) -> str:
        return layer.node.path if depth is None else ".".join(layer.node.path.split(".")[:depth])

    distinct = {id(layer.node.layer): layer.node.layer for layer in analysis.layers}
    described = {identity: describe(layer) for identity, layer in distinct.items()}
    outputs = {shape: shape_text((analysis.batch, *shape)) for shape in {layer.node.shape for layer in analysis.layers}}
    return [
        _row_of_one(path, layers[0], described, outputs) if len(layers) == 1 else _row(path, layers, outputs)
        for path, layers in [(path, list(layers)) for path, layers in groupby(analysis.layers, key)]
    ]


def _row_of_one(
    path: str, layer: LayerReport, described: dict[int, str], outputs: dict[tuple[int, ...], str]
) -> FoldedRow:
    """Most rows are of one layer, and there may be tens of thousands."""
    return FoldedRow(
        path,
        described[id(layer.node.layer)],
        outputs[layer.node.shape],
        layer.params,
        layer.buffers,
        layer.macs,
        layer.flops,
        layer.activations,
        layer.activation_bytes,
        layer.receptive_field,
        layer.shared > 0,
        frozenset(layer.unknown) if layer.node.layer.role == "opaque" else NOTHING_UNKNOWN,
    )


def _row(path: str, layers: list[LayerReport], outputs: dict[tuple[int, ...], str]) -> FoldedRow:
    last = layers[-1]
    opaque = sum([layer.node.layer.role == "opaque" for layer in layers])
    what = f"{len(layers)} layers, {opaque} opaque" if opaque else f"{len(layers)} layers"
    return FoldedRow(
        path=path,
        what=what,
        output=outputs[last.node.shape],
        params=sum([layer.params for layer in layers]),
        buffers=sum([layer.buffers for layer in layers]),
        macs=sum([layer.macs for layer in layers]),
        flops=sum([layer.flops for layer in layers]),
        activations=sum([layer.activations for layer in layers]),
        activation_bytes=sum([layer.activation_bytes for layer in layers]),
        receptive_field=last.receptive_field,
        shared=any(layer.shared for layer in layers),
        unknown=frozenset([name for layer in layers for name in layer.unknown]) if opaque else NOTHING_UNKNOWN,
    )
