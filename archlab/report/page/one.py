"""What the page of one network has beside charts: its field over the input, memory by holder, layers, config."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from archlab.analysis.memory.ledger import Timeline
from archlab.analysis.receptive_field.growth import middle_unit
from archlab.analysis.result import Analysis, LayerReport
from archlab.analysis.row import Row
from archlab.graph import Node
from archlab.layers.shape import AXIS_NAMES, axis_count, map_size
from archlab.report.field import unit_spans
from archlab.report.fold import FoldedRow, fold
from archlab.report.memory import MemoryView
from archlab.report.units import binary, percent_text

Explain = Callable[[Analysis, str], str]
"""A layer's explanation, by its path."""

MOST_EXPLAINED = 60
"""Different layers that are explained on a page."""
MOST_UNFOLDED = 3_000
"""Layers that a page unfolds."""
MOST_HOLDERS = 12
MOST_CONFIG = 200_000
"""Letters of a config that a page shows."""
SIDE = 260
"""Of the field's picture, in pixels."""


def holders(analysis: Analysis) -> list[Row]:
    """For each run what its peak is made of, and the largest values that are alive then."""
    found: list[Row] = []
    for is_training, timeline in _runs(analysis):
        view = MemoryView(analysis, timeline, training=is_training)
        found.append(
            {
                "title": "training step" if is_training else "forward pass",
                "peak": view.peak_text(),
                "parts": [
                    {"name": name, "text": binary(size), "share": percent_text(size / max(timeline.peak, 1))}
                    for name, size in view.parts()
                ],
                "holders": [{**row, "text": binary(row["bytes"])} for row in view.holders(MOST_HOLDERS)],
            }
        )
    return found


def _runs(analysis: Analysis) -> list[tuple[bool, Timeline]]:
    runs = [(False, analysis.inference), (True, analysis.training)]
    return [(is_training, timeline) for is_training, timeline in runs if timeline is not None]


def unfolded(analysis: Analysis, folded: Sequence[FoldedRow]) -> list[tuple[FoldedRow, list[FoldedRow]]]:
    """Each row of a folded table with the layers in it; none where it is a layer, or there are too many."""
    if len(analysis.layers) > MOST_UNFOLDED:
        return [(row, []) for row in folded]
    layers = iter(fold(analysis, None))
    found: list[tuple[FoldedRow, list[FoldedRow]]] = []
    for row, count in zip(folded, _counts(analysis, folded), strict=True):
        own = [next(layers) for _ in range(count)]
        found.append((row, own if count > 1 else []))
    return found


def _counts(analysis: Analysis, folded: Sequence[FoldedRow]) -> list[int]:
    """Layers in each row of a folded table."""
    counts: list[int] = []
    paths = iter([layer.node.path for layer in analysis.layers])
    path = next(paths, None)
    for row in folded:
        count = 0
        while path is not None and (path == row.path or path.startswith(f"{row.path}.")):
            count, path = count + 1, next(paths, None)
        counts.append(count)
    return counts


def explanations(analysis: Analysis, explain: Explain | None) -> tuple[list[Row], int]:
    """Each different layer that does something, with its explanation; and how many more there are.

    Args:
        analysis: of the network.
        explain: explains a layer; None for no explanations.
    """
    if explain is None:
        return [], 0
    alike: dict[int, list[LayerReport]] = {}
    for layer in analysis.layers:
        if layer.node.inputs and layer.node.layer.role != "activation" and layer.storage != "view":
            alike.setdefault(analysis.graph.alike[layer.node.index], []).append(layer)
    described = {row.path: row.what for row in fold(analysis, None)}
    found = [
        {"path": layers[0].node.path, "what": described[layers[0].node.path], "others": len(layers) - 1,
         "text": explain(analysis, layers[0].node.path)}
        for layers in list(alike.values())[:MOST_EXPLAINED]
    ]  # fmt: skip
    return found, max(len(alike) - MOST_EXPLAINED, 0)


def config_text(analysis: Analysis) -> str:
    """The network's config as it is written; empty where it is none, or too long to be read."""
    sources = [node.place.source for node in analysis.graph.nodes if node.place is not None]
    text = sources[-1].text if sources else ""
    return text if len(text) <= MOST_CONFIG else ""


# -- the field over the input


def field_picture(analysis: Analysis) -> tuple[str, str] | None:
    """The input, and in it what the middle unit of the last map sees, as SVG; and in words. None of flat inputs."""
    size = map_size(analysis.graph.input_shape)
    node = _last_map(analysis)
    if size is None or node is None or len(size) > 2:
        return None
    unit = middle_unit(node.shape, len(size))
    spans = unit_spans(analysis, node, unit)
    (top, bottom), (left, right) = [(0, 0), *spans][-2:]
    height, width = [1, *size][-2:]
    words = f"Unit {', '.join(map(str, unit))} of {node.path} sees {_words(spans, size)}."
    return _drawn((left, top, right + 1, bottom + 1), (width, height)), words


def _last_map(analysis: Analysis) -> Node | None:
    """The last map with a spatial field on the way to the first result."""
    index = analysis.graph.outputs[0][1]
    nodes = analysis.graph.nodes
    while index > 0:
        field = analysis.layers[index - 1].receptive_field
        if (
            map_size(nodes[index].shape) is not None
            and all(axis is not None for axis in field.axes)
            and not field.unknown
        ):
            return None if field.is_nothing else nodes[index]
        if not nodes[index].inputs:
            return None
        index = nodes[index].inputs[0]
    return None


def _words(spans: Sequence[tuple[int, int]], size: Sequence[int]) -> str:
    names = AXIS_NAMES[len(size)]
    return " and ".join(
        [
            f"{last - first + 1} positions of the {name} ({first} to {last}; the input has {extent})"
            for (first, last), name, extent in zip(spans, names, size, strict=True)
        ]
    )


def _drawn(field: tuple[int, int, int, int], size: tuple[int, int]) -> str:
    left, top = min(field[0], 0), min(field[1], 0)
    width, height = max(field[2], size[0]) - left, max(field[3], size[1]) - top
    by = SIDE / max(width, height)
    thin = max(min(width, height) * by, 26) / (min(width, height) * by)
    across, down = (by, by * thin) if height <= width else (by * thin, by)

    def rect(css: str, box: tuple[int, int, int, int]) -> str:
        x, y = (box[0] - left) * across + 2, (box[1] - top) * down + 2
        return (
            f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" '
            f'width="{(box[2] - box[0]) * across:.1f}" height="{(box[3] - box[1]) * down:.1f}"/>'
        )

    whole = f'viewBox="0 0 {width * across + 4:.0f} {height * down + 4:.0f}" width="{width * across + 4:.0f}"'
    inside = rect("input", (0, 0, *size)) + rect("seen", field)
    label = escape("the input, and in it the receptive field")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="field" {whole} role="img" aria-label="{label}">{inside}</svg>'
    )


def level_records(analysis: Analysis, most: int) -> list[Row]:
    """Bytes alive by what they are, moment by moment, for each run.

    Args:
        analysis: of the network.
        most: moments of a run; of neighbours beyond that, the highest.
    """
    memory = analysis.total.memory
    fixed = memory.params + memory.buffers
    records: list[Row] = []
    for is_training, timeline in _runs(analysis):
        moments = timeline.moments
        step = max(1, -(-len(moments) // most))
        levels = {_KINDS.get(kind, kind): values for kind, values in timeline.levels().items()}
        count = len(moments)
        levels = {"params and buffers": [fixed] * count, "optimizer state": [timeline.base - fixed] * count, **levels}
        for start in range(0, count, step):
            end = min(start + step, count)
            at = max(range(start, end), key=lambda moment: moments[moment].peak)
            node = moments[at].node
            place = {
                "run": "training step" if is_training else "forward pass",
                "progress": round(start / count, 4),
                "end": round(end / count, 4),
                "path": analysis.graph.nodes[node].path if node >= 0 else "optimizer",
            }
            records += _stacked(place, {kind: values[at] for kind, values in levels.items()})
    return records


def _stacked(place: Row, sizes: dict[str, int]) -> list[Row]:
    """A record for each kind that holds something, on top of those before it."""
    found: list[Row] = []
    below = 0
    for order, (kind, size) in enumerate(sizes.items()):
        if size:
            found.append({**place, "kind": kind, "order": order, "bytes": size, "low": below, "high": below + size})
        below += size
    return found


_KINDS = {
    "output": "outputs of layers",
    "copy": "copies",
    "kept": "kept for backward",
    "gradient": "gradients of values",
    "parameter gradient": "gradients of params",
    "scratch": "while a layer runs",
}


def one_network(analysis: Analysis, folded: Sequence[FoldedRow], explain: Explain | None) -> dict[str, Any]:
    """All of it.

    Args:
        analysis: of the network.
        folded: rows of its table.
        explain: explains a layer; None for no explanations.
    """
    explained, more = explanations(analysis, explain)
    return {
        "holders": holders(analysis),
        "field": field_picture(analysis) if axis_count(analysis.graph.input_shape) else None,
        "unfolded": unfolded(analysis, folded),
        "explained": explained,
        "explained_more": more,
        "config": config_text(analysis),
    }
