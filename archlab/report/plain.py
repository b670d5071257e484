"""Results as plain dictionaries: what `--format json` prints and what every other view is made from."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archlab.analysis.receptive_field import ReceptiveField
from archlab.analysis.spans import AxisField
from archlab.layers.base import is_map, shape_text

if TYPE_CHECKING:
    from archlab.analysis.result import Analysis, LayerReport

Row = dict[str, Any]


def analysis_dict(analysis: Analysis) -> Row:
    """The JSON object of `archlab analyze --format json`."""
    graph, total = analysis.graph, analysis.total
    field = _cached_field_dict(analysis)
    options = {id(layer.node.layer): dict(layer.node.layer.options()) for layer in analysis.layers}
    nodes = graph.nodes
    return {
        "name": graph.name,
        "variant": graph.variant,
        "input": {"shape": analysis.input_shape, "dtype": analysis.dtype},
        "total": {
            "params": total.params,
            "buffers": total.buffers,
            "macs": total.macs,
            "flops": total.flops,
            "activations": total.activations,
            "memory": {
                "params": total.memory.params,
                "buffers": total.memory.buffers,
                "activations": total.memory.activations,
                "inference_peak": total.memory.inference_peak,
                "inference_peak_layer": total.memory.peak_layer,
            },
            "receptive_field": {**field(total.receptive_field), "layer": total.receptive_field_layer},
        },
        "layers": [
            {
                "path": layer.node.path,
                "type": layer.node.layer.type,
                "options": options[id(layer.node.layer)],
                "inputs": [nodes[i].path for i in layer.node.inputs],
                "output_shape": [analysis.batch, *layer.node.shape],
                "params": layer.params,
                "buffers": layer.buffers,
                "macs": layer.macs,
                "flops": layer.flops,
                "activations": layer.activations,
                "activation_bytes": layer.activation_bytes,
                "receptive_field": field(layer.receptive_field),
            }
            for layer in analysis.layers
        ],
        "outputs": [
            {"name": label, "path": nodes[i].path, "shape": [analysis.batch, *nodes[i].shape]}
            for label, i in graph.outputs
        ],
    }


def _cached_field_dict(analysis: Analysis) -> Callable[[ReceptiveField], Row]:
    """`field_dict`, once for each of the fields that layers share."""
    known: dict[int, Row] = {}
    shape = analysis.graph.input_shape

    def convert(field: ReceptiveField) -> Row:
        if id(field) not in known:
            known[id(field)] = field_dict(field, shape)
        return known[id(field)]

    return convert


def field_dict(field: ReceptiveField, input_shape: tuple[int, ...]) -> Row:
    """A receptive field as lists of [height, width]; an axis that is seen whole has the input's size."""
    extents = input_shape[1:] if is_map(input_shape) else (None, None)
    height = _axis_dict(field.height, extents[0])
    width = height if field.width is field.height and extents[0] == extents[1] else _axis_dict(field.width, extents[1])
    return {
        **{key: [height[key], width[key]] for key in height},
        "global": field.is_global,
        "context": "global" if field.context else None,
        "aligned": field.aligned,
        "adaptive": field.adaptive,
    }


def _axis_dict(axis: AxisField | None, extent: int | None) -> Row:
    if axis is None:
        return {"size": extent, "sizes": [extent], "stride": None, "start": 0, "coverage": 1.0}
    sizes = axis.sizes
    return {
        "size": sizes[-1],
        "sizes": sizes,
        "stride": number(axis.stride),
        "start": axis.start,
        "coverage": axis.coverage,
    }


def number(value: Fraction) -> int | str:
    """A whole number as such, another fraction as text such as `1/2`, so that nothing is rounded."""
    return value.numerator if value.denominator == 1 else str(value)


def layer_row(analysis: Analysis, layer: LayerReport) -> Row:
    """One layer as a flat row for CSV, Markdown and DataFrames."""
    nodes = analysis.graph.nodes
    field = field_dict(layer.receptive_field, analysis.graph.input_shape)
    return {
        "path": layer.node.path,
        "type": layer.node.layer.type,
        "inputs": " ".join(nodes[i].path for i in layer.node.inputs),
        "output_shape": shape_text((analysis.batch, *layer.node.shape)),
        "params": layer.params,
        "buffers": layer.buffers,
        "macs": layer.macs,
        "flops": layer.flops,
        "activations": layer.activations,
        "activation_bytes": layer.activation_bytes,
        **_flat_field(field),
    }


def _flat_field(field: Row) -> Row:
    flat: Row = {}
    for key in ("size", "stride", "start", "coverage"):
        flat[f"receptive_field_{key}_h"], flat[f"receptive_field_{key}_w"] = field[key]
    flat["receptive_field_global"] = field["global"]
    return flat


def network_row(analysis: Analysis) -> Row:
    """One network as a flat row for comparisons."""
    total = analysis.total
    field = field_dict(total.receptive_field, analysis.graph.input_shape)
    return {
        "name": analysis.graph.name,
        "input": shape_text(tuple(analysis.input_shape)),
        "layers": len(analysis.layers),
        "params": total.params,
        "buffers": total.buffers,
        "macs": total.macs,
        "flops": total.flops,
        "activations": total.activations,
        "memory_inference_peak": total.memory.inference_peak,
        **_flat_field(field),
    }
