"""Layers folded to a depth of their paths: `layer1.0` instead of its eight layers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from archlab.analysis.receptive_field.fields import ReceptiveField
from archlab.analysis.result import Analysis, LayerReport
from archlab.layers.describe import describe
from archlab.layers.shape import shape_text
from archlab.report.units import si


@dataclass(slots=True)
class FoldedRow:
    """One line of a table: a layer, or several in one scope."""

    path: str
    what: str
    output: str
    params: int
    macs: int
    flops: int
    activation_bytes: int
    receptive_field: ReceptiveField
    shared: bool
    """Whether any of the layers has the weights of an earlier one."""
    unknown: frozenset[str] = frozenset()
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
            return f">= {self.params:,}" if self.params else "?"
        return f"{self.params:,}" if self.params else "shared" if self.shared else ""


def fold(analysis: Analysis, depth: int | None) -> list[FoldedRow]:
    """The layers, those with a common path of `depth` parts as one row; None folds nothing."""

    def key(layer: LayerReport) -> str:
        return layer.node.path if depth is None else ".".join(layer.node.path.split(".")[:depth])

    distinct = {id(layer.node.layer): layer.node.layer for layer in analysis.layers}
    described = {identity: describe(layer) for identity, layer in distinct.items()}
    return [_row(path, list(layers), analysis.batch, described) for path, layers in groupby(analysis.layers, key)]


def _row(path: str, layers: list[LayerReport], batch: int, described: dict[int, str]) -> FoldedRow:
    last = layers[-1]
    opaque = sum([layer.node.layer.role == "opaque" for layer in layers])
    several = f"{len(layers)} layers, {opaque} opaque" if opaque else f"{len(layers)} layers"
    what = described[id(last.node.layer)] if len(layers) == 1 else several
    return FoldedRow(
        path=path,
        what=what,
        output=shape_text((batch, *last.node.shape)),
        params=sum([layer.params for layer in layers]),
        macs=sum([layer.macs for layer in layers]),
        flops=sum([layer.flops for layer in layers]),
        activation_bytes=sum([layer.activation_bytes for layer in layers]),
        receptive_field=last.receptive_field,
        shared=any(layer.shared for layer in layers),
        unknown=frozenset([name for layer in layers for name in layer.unknown]) if opaque else frozenset(),
    )
