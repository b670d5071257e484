"""The values behind the page's charts, as flat records."""

from __future__ import annotations

from itertools import groupby

from archlab.analysis.memory.ledger import Timeline
from archlab.analysis.receptive_field.productivity import border_layer
from archlab.analysis.result import Analysis, LayerReport
from archlab.analysis.row import Row
from archlab.layers.shape import map_size

MOST_MOMENTS = 300
"""Of a timeline: neighbours are merged beyond that, keeping the highest."""


def growth_records(analysis: Analysis, name: str) -> list[Row]:
    """The receptive field of every layer with a spatial one."""
    border = border_layer(analysis.productivity)
    records: list[Row] = []
    for number, layer in enumerate(analysis.layers, 1):
        height = layer.receptive_field.height
        if height is not None:
            records.append(
                {
                    "network": name,
                    "layer": number,
                    "path": layer.node.path,
                    "size": height.sizes[-1],
                    "border": layer.node.index == border,
                }
            )
    return records


def extent_record(analysis: Analysis, name: str) -> Row | None:
    """The input's height, which a field can outgrow."""
    size = map_size(analysis.graph.input_shape)
    return None if size is None else {"network": name, "extent": size[0]}


def stage_records(analysis: Analysis, name: str) -> list[Row]:
    """Where params, MACs, activations and memory sit: one record for each top-level scope."""

    def scope(layer: LayerReport) -> str:
        return layer.node.path.partition(".")[0]

    records: list[Row] = []
    for number, (path, group) in enumerate(groupby(analysis.layers, scope)):
        layers = list(group)
        records.append(
            {
                "network": name,
                "stage": path,
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
