"""The values behind the page's charts, as flat records."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from archlab.analysis.memory.ledger import Timeline
from archlab.analysis.receptive_field.productivity import border_layer
from archlab.analysis.result import Analysis, LayerReport
from archlab.analysis.row import Row
from archlab.diagnostics.words import one_of
from archlab.layers.shape import AXIS_NAMES, axis_count, main_axis, map_size
from archlab.report.thinned import shown_points

MOST_MOMENTS = 300
"""Of a timeline: neighbours are merged beyond that, keeping the highest."""
MOST_STAGES = 1_000
"""Parts of a bar: neighbours are merged beyond that."""


def growth_records(analysis: Analysis, name: str) -> list[Row]:
    """The receptive field of every layer with a spatial one."""
    border = border_layer(analysis.productivity)
    axis = growth_axis(analysis)
    fields = [(layer.node, layer.receptive_field.axes[axis]) for layer in analysis.layers]
    points = [(node, first.sizes[-1]) for node, first in fields if first is not None]
    shown = shown_points([size for _, size in points])
    at_border = [at for at, (node, _) in enumerate(points) if node.index == border]
    return [
        {"network": name, "layer": node.index, "path": node.path, "size": size, "border": node.index == border}
        for node, size in [points[at] for at in sorted({*shown, *at_border})]
    ]


def extent_records(analysis: Analysis, name: str) -> list[Row]:
    """The input's size along that axis, which a field can outgrow, if it has one."""
    size = map_size(analysis.graph.input_shape)
    return [] if size is None else [{"network": name, "extent": size[growth_axis(analysis)]}]


def growth_axis(analysis: Analysis) -> int:
    """Of which axis the growth is shown: the height, or the only one."""
    return main_axis(axis_count(analysis.graph.input_shape))


def growth_words(analyses: Sequence[Analysis]) -> str:
    """What these axes are called."""
    ranks = sorted({axis_count(one.graph.input_shape) for one in analyses} - {0}, reverse=True)
    return one_of(dict.fromkeys([AXIS_NAMES[rank][main_axis(rank)] for rank in ranks])) if ranks else AXIS_NAMES[2][0]


def stage_records(analysis: Analysis, name: str) -> list[Row]:
    """Where params, MACs, activations and memory sit: one record for each top-level scope, or some of them."""

    def scope(layer: LayerReport) -> str:
        return layer.node.path.partition(".")[0]

    scopes = [(path, list(group)) for path, group in groupby(analysis.layers, scope)]
    width = -(-len(scopes) // MOST_STAGES)
    records: list[Row] = []
    for number, start in enumerate(range(0, len(scopes), width)):
        merged = scopes[start : start + width]
        layers = [layer for _, some in merged for layer in some]
        first, last = merged[0][0], merged[-1][0]
        records.append(
            {
                "network": name,
                "stage": first if first == last else f"{first} to {last}",
                "order": number,
                "params": sum([layer.params for layer in layers]),
                "macs": sum([layer.macs for layer in layers]),
                "activations": sum([layer.activations for layer in layers]),
                "output_bytes": sum([layer.activation_bytes for layer in layers]),
            }
        )
    return records


def memory_records(analysis: Analysis, name: str) -> list[Row]:
    """Bytes alive along a forward pass and a training step."""
    runs = {"inference": analysis.inference, "training": analysis.training}
    return [
        {"network": name, "run": run, **record}
        for run, timeline in runs.items()
        if timeline is not None
        for record in _moments(analysis, timeline)
    ]


def _moments(analysis: Analysis, timeline: Timeline) -> list[Row]:
    moments = timeline.moments
    step = max(1, -(-len(moments) // MOST_MOMENTS))
    records: list[Row] = []
    for start in range(0, len(moments), step):
        highest = max(moments[start : start + step], key=lambda moment: moment.peak)
        path = analysis.graph.nodes[highest.node].path if highest.node >= 0 else "optimizer"
        records.append(
            {
                "progress": round(start / max(len(moments) - 1, 1), 4),
                "bytes": highest.peak,
                "phase": highest.phase,
                "path": path,
            }
        )
    return records
