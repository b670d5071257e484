"""Results as plain dictionaries: what `--format json` prints and what every other view is made from."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archlab.analysis.receptive_field.axis_field import AxisField
from archlab.analysis.receptive_field.fields import Misalignment, ReceptiveField
from archlab.analysis.receptive_field.productivity import border_layer
from archlab.layers.describe import own_options
from archlab.layers.shape import AXIS_NAMES, Shape, map_size, shape_text, size_along
from archlab.report.deployment import arena_dict

if TYPE_CHECKING:
    from archlab.analysis.receptive_field.outputs import OutputReport
    from archlab.analysis.result import Analysis, LayerReport
    from archlab.graph.deployment import Deployment

from archlab.analysis.row import Row


def analysis_dict(analysis: Analysis) -> Row:
    """The JSON object of `archlab analyze --format json`."""
    graph, total, training = analysis.graph, analysis.total, analysis.training
    field = _of_each_field(analysis, field_dict)
    distinct = {id(layer.node.layer): layer.node.layer for layer in analysis.layers}
    options = {key: own_options(layer) for key, layer in distinct.items()}
    nodes = graph.nodes
    return {
        "name": graph.name,
        "variant": graph.variant,
        "input": {"shape": analysis.input_shape, "dtype": analysis.dtype},
        **({"inputs": _input_rows(analysis)} if len(graph.inputs) > 1 else {}),
        **({} if graph.deployment is None else {"deployment": deployment_dict(graph.deployment)}),
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
                "flash": total.memory.flash,
                "ram": total.memory.ram,
                **({"quantization": total.memory.quantization} if analysis.is_deployed else {}),
                **arena_dict(analysis),
                "training_peak": None if training is None else training.peak,
                **_training_dict(analysis),
            },
            "receptive_field": _total_field(analysis),
            **_opaque_dict(analysis),
        },
        "layers": [
            {
                "path": layer.node.path,
                "type": layer.node.layer.type,
                **({"opaque": True} if layer.node.layer.role == "opaque" else {}),
                "options": options[id(layer.node.layer)],
                "shares": layer.node.shares,
                "inputs": [nodes[i].path for i in layer.node.inputs],
                "output_shape": [analysis.batch, *layer.node.shape],
                **_figures(layer),
                "receptive_field": field(layer.receptive_field, layer.node.shape),
            }
            for layer in analysis.layers
        ],
        "outputs": [
            {
                "name": output.label,
                "path": output.node.path,
                "shape": [analysis.batch, *output.node.shape],
                "receptive_field": output_field(analysis, output),
            }
            for output in analysis.outputs
        ],
    }


def deployment_dict(deployment: Deployment) -> Row:
    """What became of the layers, by their paths."""
    return {
        "folded": dict(deployment.folded),
        "scaled": dict(deployment.scaled),
        "kept": dict(deployment.kept),
        "made_once": list(deployment.made_once),
        "removed": list(deployment.removed),
        "fused": sorted(deployment.fused),
        "padded": sorted(deployment.padded),
    }


def _input_rows(analysis: Analysis) -> list[Row]:
    """The inputs, each with what one unit of the first result sees of it."""
    rows: list[Row] = []
    for node in analysis.graph.inputs:
        seen = analysis.input_outputs[node.path]
        row: Row = {"name": node.path, "shape": [analysis.batch, *node.shape], "receptive_field": None}
        if seen is not None and not seen.receptive_field.is_nothing:
            field = field_dict(seen.receptive_field, node.shape, seen.seen_at.shape)
            row["receptive_field"] = {key: value for key, value in field.items() if key != "misalignment"}
        rows.append(row)
    return rows


def _opaque_dict(analysis: Analysis) -> Row:
    """What opaque layers have of the totals, and which totals are lower bounds; nothing where there are none."""
    opaque = analysis.total.opaque
    return {} if opaque is None else {"opaque": {**opaque._asdict(), "unknown": list(opaque.unknown)}}


def _total_field(analysis: Analysis) -> Row:
    """What a unit of the first result sees, and what the layers' fields mean for this input."""
    nodes, judged = analysis.graph.nodes, analysis.productivity
    border = border_layer(judged)
    return {
        **output_field(analysis, analysis.outputs[0]),
        "border_layer": None if border is None else nodes[border].path,
        "critical_layers": [nodes[i].path for i, word in judged.items() if word == "critical"],
        "unproductive_layers": [nodes[i].path for i, word in judged.items() if word == "unproductive"],
    }


def output_field(analysis: Analysis, output: OutputReport) -> Row:
    """What a unit of a result sees, how far without what is global, and of which layers' maps that is said."""
    extent, node = analysis.graph.input_shape, output.seen_at
    row = field_dict(output.receptive_field, extent, node.shape)
    bound = analysis.bounded_field_of(node.index)
    if bound is not None:
        row["bound"] = field_dict(bound, extent, node.shape)["size"]
    return {
        **row,
        "largest_finite": [None if axis is None else axis.sizes[-1] for axis in output.largest_finite.axes],
        "layer": node.path,
        "largest_finite_layer": output.finite_at.path,
    }


def _training_dict(analysis: Analysis) -> Row:
    """How the training step is done whose peak is given."""
    conditions, checkpoints, refused = analysis.conditions, analysis.checkpointing, analysis.refusal
    return {
        "training_refused": refused and {"reason": refused.reason, "layer": refused.layer, "batch": refused.batch},
        "optimizer": conditions.optimizer,
        "autocast": conditions.autocast,
        "channels_last": conditions.channels_last,
        "checkpoints": [segment.path for segment in analysis.segments],
        "recomputed_macs": 0 if checkpoints is None else checkpoints.macs,
    }


def _of_each_field(
    analysis: Analysis, convert: Callable[[ReceptiveField, Shape, Shape], Row]
) -> Callable[[ReceptiveField, Shape], Row]:
    """A form of fields, made once for each of those that layers of one size share."""
    known: dict[tuple[int, Shape], Row] = {}
    extent = analysis.graph.input_shape

    def converted(field: ReceptiveField, shape: Shape) -> Row:
        key = (id(field), shape[1:] if type(shape) is tuple else shape)  # of a map, its sizes
        row = known.get(key)
        if row is None:
            row = known[key] = convert(field, extent, shape)
        return row

    return converted


def field_dict(field: ReceptiveField, input_shape: Shape, shape: Shape) -> Row:
    """A receptive field as lists with a value for each axis; an axis that is seen whole has the input's size.

    Where it is not known how much of an axis is seen, all of its values are None, and there are no sizes.

    Args:
        field: of a layer.
        input_shape: of the network, without batch.
        shape: of the layer's output, without batch.
    """
    axes, rank = field.axes, len(field.axes)
    extents, units = map_size(input_shape) or (None,) * rank, size_along(shape, rank) or (1,) * rank
    values: list[tuple[Any, ...]] = []
    for axis, own in enumerate(axes):
        before = axis - 1
        if axis and own is axes[before] and extents[axis] == extents[before] and units[axis] == units[before]:
            values.append(values[-1])
        else:
            is_unknown = own is None and field.unknown
            values.append(_UNKNOWN_AXIS if is_unknown else _axis_values(own, extents[axis], units[axis]))
    size, sizes, counts, stride, start, padding, centre, coverage, cut = map(list, zip(*values, strict=True))
    return {
        "size": size,
        "sizes": sizes,
        "counts": counts,
        "stride": stride,
        "start": start,
        "padding": padding,
        "centre": centre,
        "coverage": coverage,
        "cut": cut,
        "global": field.is_global,
        **({"unknown": True} if field.unknown else {}),
        "context": "global" if field.context else None,
        "aligned": field.aligned,
        "misalignment": _misalignment_dict(field.misalignment),
        "adaptive": field.adaptive,
    }


def _misalignment_dict(apart: Misalignment | None) -> Row | None:
    """The join whose units lie farthest apart, and how far."""
    if apart is None:
        return None
    largest, mean = ([float(value) for value in pair] for pair in (apart.largest, apart.mean))
    return {"layer": apart.path, "largest": largest, "mean": mean}


_UNKNOWN_AXIS: tuple[Any, ...] = (None, [], [], None, None, None, None, None, None)


def _axis_values(axis: AxisField | None, extent: int | None, units: int) -> tuple[Any, ...]:
    """Size, sizes, counts, stride, start, padding, centre, coverage and cut along one axis.

    Start, padding and centre are None where the first unit sees nothing.
    """
    if axis is None or extent is None:
        return extent, [extent], [units], None, 0, 0, None, 1.0, 0.0
    counts = axis.counts()
    sizes = list(counts)
    start, centre = axis.start, axis.centre
    return (
        *(sizes[-1], sizes, list(counts.values()), number(axis.stride), start, None if start is None else -start),
        *(None if centre is None else float(centre), axis.coverage, axis.cut(extent) / axis.units),
    )


def number(value: Fraction) -> int | str:
    """A whole number as such, another fraction as text such as `1/2`, so that nothing is rounded."""
    return value.numerator if value.denominator == 1 else str(value)


def _figures(layer: LayerReport) -> Row:
    """The numbers of a layer that are the same in every form; None where an opaque one does not declare them."""
    row = {
        "params": layer.params,
        "buffers": layer.buffers,
        "macs": layer.macs,
        "flops": layer.flops,
        "activations": layer.activations,
        "activation_bytes": layer.activation_bytes,
    }
    return {name: None if name in layer.unknown else value for name, value in row.items()} if layer.unknown else row


def layer_rows(analysis: Analysis) -> list[Row]:
    """Each layer as a flat row for CSV, Markdown and DataFrames."""
    nodes, batch = analysis.graph.nodes, analysis.batch
    field = _of_each_field(analysis, _flat_field_dict)
    return [
        {
            "path": layer.node.path,
            "type": layer.node.layer.type,
            "inputs": " ".join([nodes[i].path for i in layer.node.inputs]),
            "output_shape": shape_text((batch, *layer.node.shape)),
            **_figures(layer),
            **field(layer.receptive_field, layer.node.shape),
        }
        for layer in analysis.layers
    ]


def _flat_field_dict(field: ReceptiveField, input_shape: Shape, shape: Shape) -> Row:
    return _flat_field(field_dict(field, input_shape, shape))


def _flat_field(field: Row) -> Row:
    flat: Row = {}
    for key in ("size", "stride", "start", "coverage"):
        flat |= _for_each_axis(key, field[key])
    flat["receptive_field_global"] = field["global"]
    return flat


def _for_each_axis(key: str, values: list[Any]) -> Row:
    """A column for each axis, with the first letter of its name: `_h` and `_w` of two."""
    pairs = zip(AXIS_NAMES[len(values)], values, strict=True)
    return {f"receptive_field_{key}_{name[0]}": value for name, value in pairs}


def network_row(analysis: Analysis) -> Row:
    """One network as a flat row for comparisons."""
    total = analysis.total
    field = output_field(analysis, analysis.outputs[0])
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
        **_deployed_columns(analysis),
        **_opaque_columns(analysis),
        **_flat_field(field),
        **_for_each_axis("largest_finite", field["largest_finite"]),
        "receptive_field_layer": field["layer"],
    }


def _deployed_columns(analysis: Analysis) -> Row:
    """Weights and activations apart, of a deployed network; its arena where it is known."""
    if not analysis.is_deployed:
        return {}
    memory, arena = analysis.total.memory, analysis.arena
    apart: Row = {"memory_flash": memory.flash, "memory_ram": memory.ram}
    return apart if arena is None else {**apart, "memory_arena": arena.size}


def _opaque_columns(analysis: Analysis) -> Row:
    """How many opaque layers there are and which totals are lower bounds, where there are any."""
    opaque = analysis.total.opaque
    return {} if opaque is None else {"opaque_layers": opaque.layers, "lower_bounds": " ".join(opaque.unknown)}


def united(rows: list[Row]) -> list[Row]:
    """Rows that all have the columns of each of them, empty where a row has none: networks of different axes."""
    names: list[str] = []
    for row in rows:
        place = 0
        for name in row:
            if name not in names:
                names.insert(place, name)
            place = names.index(name) + 1
    return [row if list(row) == names else {name: row.get(name) for name in names} for row in rows]
