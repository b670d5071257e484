"""Receptive fields from the definitions in PyTorch's documentation alone, as sets of positions without an end.

A slow, obvious recursion: which units a layer's output reads is written here once more, from the formulas that
PyTorch gives. It shares nothing with `archlab.layers` but the layers' options, nor with how `archlab.analysis`
composes fields.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from math import ceil, floor
from typing import Any

import torch

from archlab.analysis.receptive_field.spans import DENSE, UNTRACKED, Span
from archlab.api.network import Network
from archlab.graph import Graph, Node

Taps = list[int] | None
"""The input units that one output unit reads; None for all there are."""
Rule = Callable[[Any, int, int, tuple[int, int], tuple[int, int]], Taps]
"""From the layer's options, the axis, the unit, and the heights and widths of input and output."""

SIDES = {0: 2, 1: 0}
"""Where the padding in front stands in [left, right, top, bottom], by axis."""


def _pair(value: Any, axis: int) -> Any:
    return value[axis] if isinstance(value, tuple | list) else value


def _window(options: Any, axis: int, unit: int, _size: tuple[int, int], _out: tuple[int, int]) -> Taps:
    """Conv2d, MaxPool2d, AvgPool2d, LPPool2d: `o * stride - padding + k * dilation`."""
    kernel = _pair(options.kernel_size, axis)
    stride = _pair(getattr(options, "stride", None), axis) or kernel
    dilation = _pair(getattr(options, "dilation", 1), axis)
    padding = getattr(options, "padding", 0)
    half = dilation * (kernel - 1) // 2
    before = {"same": half, "auto": half, "valid": 0}[padding] if isinstance(padding, str) else _pair(padding, axis)
    return [unit * stride - before + k * dilation for k in range(kernel)]


def _transposed(options: Any, axis: int, unit: int, _size: tuple[int, int], _out: tuple[int, int]) -> Taps:
    """ConvTranspose2d: input i adds to `i * stride - padding + k * dilation`."""
    kernel, stride, padding, dilation = (
        _pair(value, axis) for value in (options.kernel_size, options.stride, options.padding, options.dilation)
    )
    sources = [unit + padding - k * dilation for k in range(kernel)]
    return [source // stride for source in sources if source % stride == 0]


def _adaptive(_options: Any, axis: int, unit: int, size: tuple[int, int], out: tuple[int, int]) -> Taps:
    """AdaptiveAvgPool2d: floor(o * in / out) to ceil((o + 1) * in / out)."""
    n, m = size[axis], out[axis]
    if m == n:
        return [unit]
    return None if m == 1 else list(range(floor(Fraction(unit * n, m)), ceil(Fraction((unit + 1) * n, m))))


def _padded(options: Any, axis: int, unit: int, _size: tuple[int, int], _out: tuple[int, int]) -> Taps:
    return [unit - options.padding[SIDES[axis]]]


def _upsampled(options: Any, axis: int, unit: int, size: tuple[int, int], out: tuple[int, int]) -> Taps:
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
    elif (n == m and options.mode == "bilinear") or size == out:
        at = Fraction(unit)
    else:
        at = (unit + Fraction(1, 2)) * step - Fraction(1, 2)
    around = (0, 1) if options.mode == "bilinear" else (-1, 0, 1, 2)
    return [floor(at) + tap for tap in around] if at.denominator > 1 else [int(at)]


def _near(mode: str, step: Fraction, unit: int) -> int:
    return floor(unit * step) if mode == "nearest" else floor((unit + Fraction(1, 2)) * step)


@cache
def _nearest(mode: str, factor: Any, size: tuple[int, int], out: tuple[int, int], axis: int) -> list[int]:
    x = torch.arange(size[axis], dtype=torch.float32)
    x = (x[:, None] if axis == 0 else x[None, :]).expand(1, 2, *size).contiguous()
    options = {"size": out} if factor is None else {"scale_factor": factor}
    y = torch.nn.functional.interpolate(x, mode=mode, **options)[0, 0]
    return [int(value) for value in (y[:, 0] if axis == 0 else y[0]).tolist()]


RULES: dict[str, Rule] = {
    **dict.fromkeys(["conv2d", "deform_conv2d_op", "max_pool2d", "avg_pool2d", "lp_pool2d"], _window),
    "conv_transpose2d": _transposed,
    **dict.fromkeys(["adaptive_avg_pool2d", "adaptive_max_pool2d"], _adaptive),
    **{f"{kind}_pad2d": _padded for kind in ("zero", "constant", "reflection", "replication", "circular")},
    **dict.fromkeys(["upsample", "interpolate"], _upsampled),
    "pixel_shuffle": lambda options, _axis, unit, _size, _out: [unit // options.upscale_factor],
    "pixel_unshuffle": lambda options, _axis, unit, _size, _out: [
        unit * options.downscale_factor + k for k in range(options.downscale_factor)
    ],
}
"""By layer type; every other type drawn by the random networks reads its own position."""


def difference(network: Network) -> str:
    """The first unit whose reported span is not what it sees by definition; empty if there is none."""
    graph = network.graph
    definition = Definition(graph)
    for layer in network.analyze().layers:
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


class Definition:
    """What every unit of every node sees.

    Args:
        graph: a network of maps with their channels in front or behind.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[tuple[int, int, int], frozenset[int] | None] = {}

    def seen(self, index: int, axis: int, unit: int) -> frozenset[int] | None:
        """Input positions along an axis, any whole number among them; None if the whole axis is seen."""
        key = (index, axis, unit)
        if key not in self._known:
            self._known[key] = self._seen(self._graph.nodes[index], axis, unit)
        return self._known[key]

    def _seen(self, node: Node, axis: int, unit: int) -> frozenset[int] | None:
        if not node.inputs:
            return frozenset([unit])
        found: set[int] = set()
        for source in self._sources(node):
            rule = RULES.get(node.layer.type) if source == node.inputs[0] else None
            before, after = (_size(self._graph.nodes[i].shape) for i in (source, node.index))
            taps = [unit] if rule is None else rule(node.layer, axis, unit, before, after)
            if taps is None:
                return None
            for tap in taps:
                seen = self.seen(source, axis, tap)
                if seen is None:
                    return None
                found |= seen
            if not taps and self.seen(source, axis, 0) is None:
                return None
        return frozenset(found)

    def _sources(self, node: Node) -> list[int]:
        """Its inputs; of a product only those that are no gates."""
        if node.layer.type == "multiply":
            local = [i for i in node.inputs if not self.is_global(i)]
            return local or [*node.inputs]
        return [*node.inputs]

    def is_global(self, index: int) -> bool:
        """Whether every unit sees the whole input."""
        return self.seen(index, 0, 0) is None and self.seen(index, 1, 0) is None


def _size(shape: tuple[int, ...]) -> tuple[int, int]:
    return (shape[1], shape[2]) if len(shape) == 3 else (1, 1)
