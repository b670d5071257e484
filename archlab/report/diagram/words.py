"""What a box is made of, in a few words: `3 x [conv 1x1 64, conv 3x3 64, conv 1x1 256, add]`."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import Any

from archlab.analysis.result import LayerReport
from archlab.graph import Graph
from archlab.layers.describe import own_options
from archlab.layers.ranks import ranked_type
from archlab.layers.shape import RANKS, channels_of, shape_text
from archlab.report.units import by_axis

MOST_WORDS = 5

Summary = tuple[str, int]
"""Words, and how many units of one kind there are."""


def summary(path: str, layers: list[LayerReport], graph: Graph) -> Summary:
    """The main layers of a scope; of repeated units, those of a typical one."""
    units = _units(path, layers)
    if len(units) < 2:
        return _words(layers, graph), 1
    typical = units[len(units) // 2]
    return _words(typical, graph), len(units)


def typical_unit(path: str, layers: list[LayerReport]) -> tuple[str, list[LayerReport]]:
    """The path and the layers of the unit in the middle; of what repeats nothing, of all of it."""
    units = _units(path, layers)
    if len(units) < 2:
        return path, layers
    at = len(units) // 2
    return f"{path}.{units[at][0].node.path[len(path) + 1 :].split('.')[0]}", units[at]


def first_of(path: str, layers: list[LayerReport], graph: Graph) -> str:
    """The words of the first unit's layers that are otherwise in the typical one."""
    units = _units(path, layers)
    if len(units) < 2:
        return ""

    def words(unit: list[LayerReport]) -> dict[str, str]:
        main = [layer for layer in unit if _is_main(layer)]
        return {layer.node.path[len(path) + 1 :].partition(".")[2]: _word(layer, graph) for layer in main}

    usual = words(units[len(units) // 2])
    other = [word for name, word in words(units[0]).items() if usual.get(name) != word]
    if not other:
        return ""
    more = f" and {len(other) - MOST_WORDS} more" if len(other) > MOST_WORDS else ""
    return f"{', '.join(other[:MOST_WORDS])}{more}"


def _units(path: str, layers: list[LayerReport]) -> list[list[LayerReport]]:
    """The repetitions in a scope, `path.0`, `path.1`, ..."""
    inside = len(path) + 1
    names = [layer.node.path[inside:].split(".")[0] for layer in layers]
    if not all(name.isdigit() for name in names):
        return []
    numbered = zip(names, layers, strict=True)
    return [[layer for _, layer in group] for _, group in groupby(numbered, lambda pair: pair[0])]


def _words(layers: list[LayerReport], graph: Graph) -> str:
    main = [layer for layer in layers if _is_main(layer)] or layers
    words = [_word(layer, graph) for layer in main]
    if len(words) <= MOST_WORDS:
        return ", ".join(words)
    counts = Counter([layer.node.layer.type for layer in main])
    return ", ".join(f"{count} {_NAMES.get(name, name)}" for name, count in counts.most_common(MOST_WORDS))


def _is_main(report: LayerReport) -> bool:
    layer = report.node.layer
    return layer.role in ("weighted", "join") or (layer.role in ("layer", "opaque") and report.storage == "new")


def _word(layer: LayerReport, graph: Graph) -> str:
    """`conv 3x3 /2, 64`: what it is, and the channels of a convolution."""
    kind, node = layer.node.layer, layer.node
    if kind.role == "opaque":
        return f"{kind.type.rpartition('.')[2]} (opaque)"
    words = [_NAMES.get(kind.type, kind.type)]
    size, stride, dilation = (_by_axis(own_options(kind).get(key)) for key in ("kernel_size", "stride", "dilation"))
    if size:
        words.append(shape_text(size))
    if max(stride, default=1) > 1:
        words.append(f"/{stride[0]}" if len(set(stride)) == 1 else f"/{shape_text(stride)}")
    if max(dilation, default=1) > 1:
        words.append(f"d{by_axis(map(str, dilation))}")
    groups = getattr(kind, "groups", 1)
    if groups > 1:
        channels = channels_of(graph.input_shapes(node)[0])
        words.append("depthwise" if groups == channels else f"g{groups}")
    if kind.role == "weighted":
        words.append(str(channels_of(node.shape)))
    return " ".join(words)


_NAMES_OF_TWO = {
    "conv2d": "conv",
    "conv_transpose2d": "transposed conv",
    "deform_conv2d_op": "deformable conv",
    "max_pool2d": "max pool",
    "avg_pool2d": "average pool",
    "adaptive_avg_pool2d": "average pool",
    "adaptive_max_pool2d": "max pool",
    "channel_shuffle": "shuffle",
    "narrow": "split",
}
_NAMES = {ranked_type(name, rank): words for name, words in _NAMES_OF_TWO.items() for rank in RANKS}
"""Those of one and of three axes go by the same words: the kernel's sizes tell them apart."""


def _by_axis(option: Any) -> tuple[int, ...]:
    """An option's number for each axis; the one for all; nothing."""
    if option is None:
        return ()
    return option if isinstance(option, tuple) else (option,)
