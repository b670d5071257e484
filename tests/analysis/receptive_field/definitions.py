"""Receptive fields from the definitions in PyTorch's documentation alone, as sets of positions without an end.

A slow, obvious recursion: which units a layer's output reads is written here once more, from the formulas that
PyTorch gives. It shares nothing with `archlab.layers` but the layers' options, nor with how `archlab.analysis`
composes fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import cache, partial
from math import ceil, floor
from types import SimpleNamespace
from typing import Any

import torch

from archlab.analysis.receptive_field.spans import DENSE, UNTRACKED, Span
from archlab.api.analysis import Analysis
from archlab.api.network import Network
from archlab.graph import Graph, Node
from archlab.layers.shape import is_map, map_size

Taps = list[int] | None
"""The input units that one output unit reads; None for all there are."""
Sizes = tuple[int, ...]
"""Of a map, along each axis."""
Rule = Callable[[Any, int, int, Sizes, Sizes], Taps]
"""From the layer's options, the axis, the unit, and the sizes of input and output."""


def _pair(value: Any, axis: int) -> Any:
    return value[axis] if isinstance(value, tuple | list) else value


def _window(options: Any, axis: int, unit: int, _size: Sizes, _out: Sizes) -> Taps:
    """Conv2d, MaxPool2d, AvgPool2d, LPPool2d: `o * stride - padding + k * dilation`."""
    kernel = _pair(options.kernel_size, axis)
    stride = _pair(getattr(options, "stride", None), axis) or kernel
    dilation = _pair(getattr(options, "dilation", 1), axis)
    padding = getattr(options, "padding", 0)
    half = dilation * (kernel - 1) // 2
    before = {"same": half, "auto": half, "valid": 0}[padding] if isinstance(padding, str) else _pair(padding, axis)
    return [unit * stride - before + k * dilation for k in range(kernel)]


def _transposed(options: Any, axis: int, unit: int, _size: Sizes, _out: Sizes) -> Taps:
    """ConvTranspose2d: input i adds to `i * stride - padding + k * dilation`."""
    kernel, stride, padding, dilation = (
        _pair(value, axis) for value in (options.kernel_size, options.stride, options.padding, options.dilation)
    )
    sources = [unit + padding - k * dilation for k in range(kernel)]
    return [source // stride for source in sources if source % stride == 0]


def _adaptive(_options: Any, axis: int, unit: int, size: Sizes, out: Sizes) -> Taps:
    """AdaptiveAvgPool2d: floor(o * in / out) to ceil((o + 1) * in / out)."""
    n, m = size[axis], out[axis]
    if m == n:
        return [unit]
    return None if m == 1 else list(range(floor(Fraction(unit * n, m)), ceil(Fraction((unit + 1) * n, m))))


def _padded(options: Any, axis: int, unit: int, size: Sizes, _out: Sizes) -> Taps:
    """The paddings' sides begin with the last axis: [left, right, top, bottom, ...]."""
    return [unit - options.padding[2 * (len(size) - 1 - axis)]]


def _upsampled(options: Any, axis: int, unit: int, size: Sizes, out: Sizes) -> Taps:
    """Upsample, by the coordinates of its documentation; nearest neighbours as PyTorch really takes them."""
    n, m = size[axis], out[axis]
    if n == 1:
        return [0]
    factor = options.scale_factor and _pair(options.scale_factor, axis)
    step = Fraction(n, m) if factor is None else 1 / Fraction(factor).limit_denominator(1000)
    if options.mode.startswith("nearest"):
        taken = _nearest(options.mode, options.scale_factor, size, out, axis)
        cycle, phase = divmod(unit, m)
        if 0 <= unit < m or any(_near(options.mode, step, p) != at for p, at in enumerate(taken)):
            return [cycle * n + taken[phase]]
        return [_near(options.mode, step, unit)]
    if options.align_corners:
        at = Fraction(unit * (n - 1), m - 1) if m > 1 else Fraction(unit * n)
    elif (n == m and options.mode in LINEAR) or size == out:
        at = Fraction(unit)
    else:
        at = (unit + Fraction(1, 2)) * step - Fraction(1, 2)
    around = (0, 1) if options.mode in LINEAR else (-1, 0, 1, 2)
    return [floor(at) + tap for tap in around] if at.denominator > 1 else [int(at)]


def _near(mode: str, step: Fraction, unit: int) -> int:
    return floor(unit * step) if mode == "nearest" else floor((unit + Fraction(1, 2)) * step)


@cache
def _nearest(mode: str, factor: Any, size: Sizes, out: Sizes, axis: int) -> list[int]:
    shape = [size[axis] if number == axis else 1 for number in range(len(size))]
    x = torch.arange(size[axis], dtype=torch.float32).view(shape).expand(1, 2, *size).contiguous()
    options = {"size": out} if factor is None else {"scale_factor": factor}
    y = torch.nn.functional.interpolate(x, mode=mode, **options)[0, 0]
    return [int(value) for value in y.movedim(axis, 0).flatten(1)[:, 0].tolist()] if y.dim() > 1 else y.int().tolist()


def _blurred(options: Any, _axis: int, unit: int, _size: Sizes, _out: Sizes) -> Taps:
    """timm's BlurPool2d: a filter at every stride-th position, padded by (stride - 1 + filt_size - 1) // 2."""
    padding = (options.stride - 1 + options.filt_size - 1) // 2
    return [unit * options.stride - padding + k for k in range(options.filt_size)]


def _narrowed(options: Any, axis: int, unit: int, size: Sizes, out: Sizes) -> Taps:
    """torch.narrow: `start + o` along the axis that has fewer positions then."""
    return [unit] if size[axis] == out[axis] else [options.start + unit * options.step]


def _declared(options: Any, axis: int, unit: int, size: Sizes, out: Sizes) -> Taps:
    """What a layer of one's own says of itself: a window here, or nothing, which is taken for everything."""
    if options.sees == "unknown":
        return None
    return _window(SimpleNamespace(**options.args), axis, unit, size, out)


def _attended(_options: Any, _axis: int, _unit: int, _size: Sizes, _out: Sizes) -> Taps:
    """Every token attends to every token."""
    return None


def _attended_in_windows(options: Any, axis: int, unit: int, size: Sizes, _out: Sizes) -> Taps:
    """Swin: the window around a unit, without what only a roll would bring there; or every n-th unit of the map."""
    shape = (*size, 1)
    window, shift, whole = options.window(shape)[axis], options.shift(shape)[axis], size[axis]
    if window == whole:
        return None
    if options.dilation == 1 and not shift:
        return list(range(unit // window * window, unit // window * window + window))
    cycle, place = divmod(unit, whole)  # a map behind the map has the same windows
    if options.dilation > 1:
        seen = range(place % options.dilation, whole, options.dilation)
    else:
        first = (place - shift) // window * window + shift
        seen = range(max(first, 0), min(first + window, whole))
    return [cycle * whole + at for at in seen]


def _reduced(options: Any, axis: int, unit: int, _size: Sizes, _out: Sizes) -> Taps:
    """torch.mean and its kin of a map: all of the dimensions named, of which 2 is the first axis."""
    return None if 2 + axis in options.dim else [unit]


LINEAR = ("linear", "bilinear", "trilinear")
RULES: dict[str, Rule] = {
    **dict.fromkeys(["conv", "deform_conv2d_op", "max_pool", "avg_pool", "lp_pool"], _window),
    "conv_transpose": _transposed,
    "blur_pool": _blurred,
    "attention_op": _attended,
    "narrow": _narrowed,
    "as_map": _attended,  # its axes are others
    "window_attention_op": _attended_in_windows,
    **dict.fromkeys(["mean", "sum", "amax", "vector_norm"], _reduced),
    **dict.fromkeys(["adaptive_avg_pool", "adaptive_max_pool"], _adaptive),
    **{f"{kind}_pad": _padded for kind in ("zero", "constant", "reflection", "replication", "circular")},
    **dict.fromkeys(["upsample", "interpolate"], _upsampled),
    "pixel_shuffle": lambda options, _axis, unit, _size, _out: [unit // options.upscale_factor],
    "pixel_unshuffle": lambda options, _axis, unit, _size, _out: [
        unit * options.downscale_factor + k for k in range(options.downscale_factor)
    ],
}
"""By layer type without its number of axes; every other type drawn by the random networks reads its own position."""


def rule_of(node: Node) -> Rule | None:
    """What a layer's units read; None where it is their own position."""
    if node.layer.role == "opaque":
        return _declared
    kind = re.sub(r"[123]d\Z", "", node.layer.type)
    return _window if kind.endswith("_conv") else RULES.get(kind)  # weights of another kind


def difference(network: Network) -> str:
    """The first unit whose reported span is not what it sees by definition, of any input; empty if there is none."""
    analysis = network.analyze()
    starts = [node.path for node in network.graph.inputs if is_map(node.shape)]
    return next(filter(None, [_difference(analysis.seen_from(start)) for start in starts]), "")


def _difference(analysis: Analysis) -> str:
    """Of the first input."""
    definition = Definition(analysis.graph)
    for layer in analysis.layers:
        node = layer.node
        for axis, field in enumerate(layer.receptive_field.axes):
            for unit in [0] if field is None else range(field.units):
                seen = definition.seen(node.index, axis, unit)
                reported = None if field is None else positions(field.span(unit))
                if seen != reported:
                    return f"{node.path}, axis {axis}, unit {unit}: {reported} reported, {seen} by definition"
    return ""


def positions(span: Span) -> frozenset[int]:
    """A span as a set."""
    first, last, mask = span
    assert mask != UNTRACKED
    return frozenset(p for p in range(first, last + 1) if mask == DENSE or mask >> (p - first) & 1)


Way = tuple[dict[int, frozenset[int]] | None, ...]
"""What units see along each axis by some paths; None where each of them sees the whole axis."""


class Definition:
    """What every unit of every node sees.

    A path sees a product: what it sees along one axis counts only if it sees something along the others. Those whose
    units see nothing at the same places are taken together.

    Args:
        graph: a network of maps with their channels in front or behind, of flat values, and of other inputs.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._rank = len(graph.input_shape) - 1
        self.reached = [True]
        for node in graph.layers:
            self.reached.append(node.layer.role != "source" and any(self.reached[source] for source in node.inputs))
        self.reader = cache(partial(reader, graph))
        self._asked = self._all_asked()
        self._ways: list[list[Way]] = []
        for node in graph.nodes:
            self._ways.append(self._to(node))
            self.reached[node.index] = bool(self._ways[-1])

    def seen(self, index: int, axis: int, unit: int) -> frozenset[int] | None:
        """Input positions along an axis, any whole number among them; None if the whole axis is seen."""
        found = frozenset[int]()
        for way in self._ways[index]:
            along = way[axis]
            if along is None:
                return None
            found |= along[unit]
        return found

    def _all_asked(self) -> list[list[set[int]]]:
        """By node and axis: the units of its map, and those that units asked of the nodes behind it read."""
        asked = [[set(range(size)) for size in sizes_of(self._graph, node.index)] for node in self._graph.nodes]
        for node in reversed(self._graph.layers):
            for source in self._read(node):
                for axis in range(self._rank):
                    taps_of = self.reader(node, source, axis)
                    for unit in asked[node.index][axis]:
                        asked[source][axis].update(taps_of(unit) or ())
        return asked

    def _to(self, node: Node) -> list[Way]:
        if node.index == 0:
            return [tuple([{unit: frozenset([unit]) for unit in units} for units in self._asked[0]])]
        alike: dict[Any, list[Way]] = {}
        for source in self.sources(node):
            for before in self._ways[source]:
                way = tuple([self._along(node, source, axis, one) for axis, one in enumerate(before)])
                if all(axis is None or any(axis.values()) for axis in way):
                    bare = [None if axis is None else frozenset(u for u in axis if not axis[u]) for axis in way]
                    alike.setdefault(tuple(bare), []).append(way)
        return [tuple(map(_all_of, zip(*ways, strict=True))) for ways in alike.values()]

    def _along(
        self, node: Node, source: int, axis: int, before: dict[int, frozenset[int]] | None
    ) -> dict[int, frozenset[int]] | None:
        found: dict[int, frozenset[int]] = {}
        taps_of = self.reader(node, source, axis)
        for unit in self._asked[node.index][axis]:
            taps = taps_of(unit)
            if taps is None or before is None:
                return None
            found[unit] = frozenset[int]().union(*[before[tap] for tap in taps])
        return found

    def sources(self, node: Node) -> list[int]:
        """Its inputs to which a way leads; of a product or quotient only those that are no gates."""
        reached = [i for i in self._read(node) if self.reached[i]]
        if node.layer.type in {"multiply", "divide"}:
            return [i for i in reached if not self.is_global(i)] or reached
        return reached

    @staticmethod
    def _read(node: Node) -> tuple[int, ...]:
        """Its inputs, of which a source only counts the samples."""
        return () if node.layer.role == "source" else node.inputs

    def is_global(self, index: int) -> bool:
        """Whether every unit sees the whole input."""
        return self.reached[index] and all(self.seen(index, axis, 0) is None for axis in range(self._rank))


def _all_of(ways: tuple[dict[int, frozenset[int]] | None, ...]) -> dict[int, frozenset[int]] | None:
    known = [way for way in ways if way is not None]
    return (
        {u: frozenset[int]().union(*[way[u] for way in known]) for u in known[0]} if len(known) == len(ways) else None
    )


def reader(graph: Graph, node: Node, source: int, axis: int) -> Callable[[int], Taps]:
    """By unit: what of one of its inputs it reads; all of it where one of both is no map with the input's axes."""
    if not (has_axes(graph, source) and has_axes(graph, node.index)):
        return lambda _unit: None
    before, after = sizes_of(graph, source), sizes_of(graph, node.index)
    is_first = source == node.inputs[0]
    by_parts = {"attention_op": 2, "scaled_dot_product_attention": 3, "matmul": 2}
    if len(node.inputs) == by_parts.get(node.layer.type):  # to all keys, from the query at its own place
        return lambda unit: [unit] if is_first else None
    rule = rule_of(node) if is_first else None
    if rule is None:
        is_stretched = before[axis] != after[axis]
        return lambda unit: [0] if is_stretched else [unit]
    return cache(lambda unit: rule(node.layer, axis, unit, before, after))


def has_axes(graph: Graph, index: int) -> bool:
    """Whether a node is a map with as many axes as the network's input."""
    return len(map_size(graph.nodes[index].shape) or ()) == len(graph.input_shape) - 1


def sizes_of(graph: Graph, index: int) -> Sizes:
    """Of a node's map; 1 along each of the input's axes where it has none of them."""
    size = map_size(graph.nodes[index].shape) if has_axes(graph, index) else None
    return size or (1,) * (len(graph.input_shape) - 1)
