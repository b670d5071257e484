"""The diagram as SVG, and what one unit sees as data, from which the page draws it."""

from __future__ import annotations

from collections.abc import Sequence

from archlab.analysis.receptive_field.effective import EffectiveAxis
from archlab.analysis.receptive_field.spans import DENSE, UNTRACKED, Span
from archlab.analysis.result import LayerReport
from archlab.api.analysis import Analysis
from archlab.api.receptive_field import Field, receptive_field
from archlab.layers.shape import AXIS_NAMES, is_map, size_along
from archlab.report.rows import number
from archlab.report.units import field_text
from archlab.studio.forms import OfLayer, Picture
from archlab.studio.positions import Row

MOST_LAYERS = 2_000
"""That can be chosen."""
MOST_PARTS = 400
"""Runs of positions of a field with holes; further ones are drawn as one."""
MOST_WEIGHTS = 512


def diagram(asked: Picture, analysis: Analysis) -> Row:
    """Stages, blocks and skips."""
    return {"svg": analysis.diagram(asked.depth).to_svg(colour=asked.colour, theme=asked.theme)}


def field_picture(asked: OfLayer, analysis: Analysis) -> Row:
    """What the middle unit of a layer sees of the first input.

    Raises:
        ConfigError: if there is no such layer.
    """
    if not is_map(analysis.graph.input_shape):
        return {"layer": None, "layers": [], "axes": [], "global": False, "note": "the input has no positions"}
    found = receptive_field(analysis, layer=asked.layer)
    names = [layer.node.path for layer in analysis.layers if _is_drawn(layer)][:MOST_LAYERS]
    return {
        "layer": found.node.path,
        "layers": names,
        "axes": [_axis(found, axis) for axis in range(len(found.field.axes))],
        "global": found.field.is_global,
        "text": field_text(found.field),
        "note": _note(found),
    }


def _is_drawn(layer: LayerReport) -> bool:
    return any(layer.receptive_field.axes)


def _note(found: Field) -> str:
    if found.field.is_nothing:
        return "it reads nothing of the input"
    if found.field.unknown:
        return "a layer on the way does not say what it reads"
    if found.field.adaptive:
        return found.adaptive_note
    return "each unit sees the whole input" if found.field.is_global else ""


def _axis(found: Field, axis: int) -> Row:
    """One axis of the input, and what of it is seen."""
    field, analysis = found.field.axes[axis], found.analysis
    extent, rank = analysis.graph.input_shape[1:][axis], len(found.field.axes)
    sizes = size_along(found.node.shape, rank)
    row: Row = {
        "name": AXIS_NAMES[rank][axis],
        "input": extent,
        "units": 1 if sizes is None else sizes[axis],
        "unit": found.unit[axis],
    }
    if field is None:
        known = not found.field.unknown and not found.field.is_nothing
        ends: Row = {"first": 0, "last": extent - 1, "parts": [[0, extent - 1]], "size": extent} if known else {}
        nothing: Row = {"first": None, "last": None, "parts": [], "size": None}
        return {**row, **nothing, **ends, "stride": None, "start": None, "coverage": None, "weights": None}
    span = field.span(found.unit[axis] if sizes is not None else 0)
    estimate = None if found.estimate is None else found.estimate.axes[axis]
    return {
        **row,
        "first": span[0],
        "last": span[1],
        "parts": _parts(span),
        "size": span[1] - span[0] + 1,
        "stride": number(field.stride),
        "start": field.start,
        "coverage": field.coverage,
        "weights": None if estimate is None else _weights(estimate),
    }


def _parts(span: Span) -> list[list[int]]:
    """The runs of positions that are really read."""
    first, last, mask = span
    if last < first:
        return []
    if mask in (DENSE, UNTRACKED):
        return [[first, last]]
    runs: list[list[int]] = []
    position = first
    while mask and len(runs) < MOST_PARTS:
        gap = (mask & -mask).bit_length() - 1
        mask >>= gap
        length = (~mask & (mask + 1)).bit_length() - 1
        runs.append([position + gap, position + gap + length - 1])
        mask >>= length
        position += gap + length
    if mask:
        runs[-1][1] = last
    return runs


def _weights(axis: EffectiveAxis) -> Row:
    """How much of the unit comes from each position; of many the sums of neighbours."""
    values: Sequence[float] = axis.weights
    step = -(-len(values) // MOST_WEIGHTS)
    sums = [sum(values[at : at + step]) for at in range(0, len(values), step)]
    return {"first": axis.first, "step": step, "values": [float(f"{value:.4g}") for value in sums]}
