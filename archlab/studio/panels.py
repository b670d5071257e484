"""The numbers beside the text: params and totals, layers, how the receptive field grows, memory moment by moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archlab.analysis.receptive_field.fields import ReceptiveField
from archlab.api.analysis import Analysis
from archlab.config.expand.params import resolve_params
from archlab.config.syntax.expressions import UNKNOWN
from archlab.config.tree.document import Document
from archlab.diagnostics.problem import Problems, TooManyProblemsError
from archlab.editor.snapshot import Snapshot
from archlab.graph import Node
from archlab.layers.describe import describe
from archlab.layers.shape import shape_text
from archlab.report.fold import FoldedRow, fold
from archlab.report.memory import MemoryView
from archlab.report.opaque import at_least
from archlab.report.rows import number, output_field
from archlab.report.thinned import shown_points
from archlab.report.units import binary, field_text, si, stride_text
from archlab.studio.positions import Row, line_in, within

MOST_ROWS = 1_000
"""Layers of one answer."""
LONGEST_ROWS = 350_000
"""Characters of all their rows."""
MOST_POINTS = 800
"""Of a line that is drawn."""
LONGEST_NAMES = 60_000
"""Characters of the names of its points."""
MOST_HOLDERS = 8
WIDER = 4
"""How many times its value a param's slider goes to."""


def param_rows(snapshot: Snapshot) -> list[Row]:
    """Each param with its value, its default, and how far a slider may move it."""
    document = snapshot.document
    if document is None:
        return []
    try:
        values = resolve_params(document, snapshot.variant, snapshot.settings, Problems())
        defaults = resolve_params(document, snapshot.variant, {}, Problems())
    except TooManyProblemsError:
        return []
    return [
        {
            "name": name,
            "value": _plain(values[name]),
            "default": _plain(defaults[name]),
            "line": line_in(argument.place, snapshot.source),
            **_range(document, name, defaults[name]),
        }
        for name, argument in document.params.items()
    ]


def _range(document: Document, name: str, value: Any) -> Row:
    """The kind of a param, and what it may be: by its value and by those that variants give it."""
    given = [variant.assignments[name] for variant in document.variants.values() if name in variant.assignments]
    known = [value, *[argument.constant for argument in given if not argument.dynamic]]
    if isinstance(value, bool):
        return {"kind": "bool"}
    if isinstance(value, str):
        return {"kind": "str", "choices": list(dict.fromkeys([one for one in known if isinstance(one, str)]))}
    if not isinstance(value, int | float):
        return {"kind": "other"}
    numbers = [one for one in known if isinstance(one, int | float) and not isinstance(one, bool)]
    low, high = min(numbers), max(numbers)
    if isinstance(value, int):
        ends = {"low": min(low, 1), "high": max(high * WIDER, 8), "step": 1}
        return {"kind": "int", **ends, "choices": sorted(set(numbers))}
    most = 1.0 if low >= 0 and high <= 0.5 else max(high * WIDER, 1.0)
    return {"kind": "float", "low": min(low, 0.0), "high": most, "step": most / 100, "choices": sorted(set(numbers))}


def _plain(value: Any) -> Any:
    """As JSON has it; None where it is not known."""
    if value is UNKNOWN:
        return None
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


_COUNTS = {"params": "params", "buffers": "buffers", "macs": "MACs", "flops": "FLOPs", "activations": "activations"}


def total_rows(analysis: Analysis) -> list[Row]:
    """The totals, by their names in JSON, each in full and as people read it."""
    total, memory, training = analysis.total, analysis.total.memory, analysis.training
    rows = [_total(analysis, key, label, key, getattr(total, key), si) for key, label in _COUNTS.items()]
    rows += [
        _total(analysis, "memory.params", "memory of params", "params", memory.params, binary),
        _total(analysis, "memory.inference_peak", "memory, inference", "memory", memory.inference_peak, binary),
    ]
    if training is not None:
        rows.append(_total(analysis, "memory.training_peak", "memory, training", "memory", training.peak, binary))
    field = output_field(analysis, analysis.outputs[0])
    return [
        *rows,
        {
            "key": "receptive_field",
            "label": "receptive field",
            "value": field["size"],
            "exact": None,
            "text": field_text(total.receptive_field),
            "layer": field["layer"],
            "global": field["global"],
        },
    ]


def _total(analysis: Analysis, key: str, label: str, bound: str, value: int, text: Any) -> Row:
    return {
        "key": key,
        "label": label,
        "value": value,
        "exact": f"{value:,}",
        "text": at_least(analysis.total, bound, text(value)),
    }


COLUMNS = (
    ("type", "type", False),
    ("output", "output", False),
    ("params", "params", True),
    ("macs", "MACs", True),
    ("flops", "FLOPs", True),
    ("activation_bytes", "memory", True),
    ("receptive_field", "receptive field", True),
    ("stride", "stride", True),
)
"""Key, label, and whether it is sorted as numbers."""


def layer_table(snapshot: Snapshot, start: int, depth: int | None) -> Row:
    """The layers of the network, or as many as are known, from one of them on."""
    columns = [{"key": key, "label": label, "numeric": numeric} for key, label, numeric in COLUMNS]
    rows = _known_rows(snapshot) if snapshot.analysis is None else _rows(snapshot, snapshot.analysis, depth)
    shown = within((row() for row in rows[start : start + MOST_ROWS]), LONGEST_ROWS)
    return {
        "columns": columns,
        "rows": shown,
        "first": start,
        "left_out": max(len(rows) - start - len(shown), 0),
    }


def _rows(snapshot: Snapshot, analysis: Analysis, depth: int | None) -> list[Any]:
    lines: dict[str, int | None] = {}
    for layer in analysis.layers:
        path = layer.node.path if depth is None else ".".join(layer.node.path.split(".")[:depth])
        lines.setdefault(path, line_in(layer.node.place, snapshot.source))
    return [lambda row=row: _folded(row, lines[row.path]) for row in fold(analysis, depth)]


def _folded(row: FoldedRow, line: int | None) -> Row:
    texts = [
        (row.params, row.params_text),
        (row.macs, row.text("macs")),
        (row.flops, row.text("flops")),
        (row.activation_bytes, binary(row.activation_bytes) if row.activation_bytes else "-"),
    ]
    numbers = [{"value": value, "text": text or "-"} for value, text in texts]
    return _row(row.path, line, row.what, row.output, numbers, row.receptive_field)


def _known_rows(snapshot: Snapshot) -> list[Any]:
    """Of a network that is not complete, as far as it is known."""
    numbers = snapshot.numbers

    def row(at: int) -> Row:
        node, (params, macs) = numbers.nodes[at], numbers.between(at, at + 1)
        costs = [{"value": params, "text": f"{params:,}"}, {"value": macs, "text": si(macs)}]
        unknown = [{"value": None, "text": ""}] * 2
        line = line_in(node.place, snapshot.source)
        what, output = describe(node.layer), shape_text((1, *node.shape))
        return _row(node.path, line, what, output, [*costs, *unknown], numbers.fields[at])

    return [lambda at=at: row(at) for at, node in enumerate(numbers.nodes) if node.inputs]


def _row(name: str, line: int | None, what: str, output: str, numbers: list[Row], field: ReceptiveField | None) -> Row:
    seen: list[Row] = [{"value": None, "text": ""}] * 2
    if field is not None:
        axes = [axis for axis in field.axes if axis is not None]
        stride = stride_text(field)
        seen = [
            {"value": max([axis.sizes[-1] for axis in axes], default=None), "text": field_text(field)},
            {"value": float(max(axis.stride for axis in axes)) if axes and stride else None, "text": stride},
        ]
    cells = [{"value": what, "text": what}, {"value": output, "text": output}, *numbers, *seen]
    return {"line": line, "name": name, "cells": cells}


def _most_points(analysis: Analysis) -> int:
    """Of a line: fewer where the names of layers are long."""
    names = sum([len(layer.node.path) for layer in analysis.layers])
    return max(min(MOST_POINTS, LONGEST_NAMES * len(analysis.layers) // max(names, 1)), 40)


def growth_rows(snapshot: Snapshot, analysis: Analysis) -> tuple[list[Row], int]:
    """What a unit of each layer sees, and how many layers are left out."""
    layers = [layer for layer in analysis.layers if any(layer.receptive_field.axes)]
    sizes = [max([axis.sizes[-1] for axis in layer.receptive_field.axes if axis is not None]) for layer in layers]
    shown = shown_points(sizes, _most_points(analysis))
    rows = [{"at": at, **_growth(snapshot, layers[at].node, layers[at].receptive_field)} for at in shown]
    return rows, len(layers) - len(shown)


def _growth(snapshot: Snapshot, node: Node, field: ReceptiveField) -> Row:
    return {
        "name": node.path,
        "receptive_field": [None if axis is None else axis.sizes[-1] for axis in field.axes],
        "global": field.is_global,
        "jump": [None if axis is None else number(axis.stride) for axis in field.axes],
        "text": field_text(field),
        "line": line_in(node.place, snapshot.source),
    }


def timeline(snapshot: Snapshot, analysis: Analysis) -> Row:
    """Bytes alive while each layer of a forward pass runs, params and buffers among them."""
    run = analysis.inference
    view = MemoryView(analysis, run, training=False)
    at_peak = run.moments.index(run.peak_moment)
    shown = sorted({*shown_points([moment.peak for moment in run.moments], _most_points(analysis)), at_peak})
    return {
        "base": run.base,
        "moments": list(_moments(snapshot, analysis, shown)),
        "peak": shown.index(at_peak),
        "peak_text": view.peak_text(),
        "left_out": len(run.moments) - len(shown),
        "parts": [{"label": label, "value": value, "text": binary(value)} for label, value in view.parts()],
        "holders": [{**row, "text": binary(row["bytes"])} for row in view.holders(MOST_HOLDERS)],
    }


def _moments(snapshot: Snapshot, analysis: Analysis, shown: list[int]) -> Iterator[Row]:
    for at in shown:
        moment = analysis.inference.moments[at]
        node = analysis.graph.nodes[moment.node]
        line = line_in(node.place, snapshot.source)
        yield {"at": at, "name": node.path, "bytes": moment.peak, "after": moment.after, "line": line}
