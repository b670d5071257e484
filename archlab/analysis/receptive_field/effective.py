"""Effective receptive field: how much of a unit comes from each input position, not just whether any does.

The estimate is that of the linear network with equal weights: every unit is the mean of the units that it
reads, so that a position weighs as much as the share of all paths that end there. Luo et al. 2016,
"Understanding the Effective Receptive Field in Deep Convolutional Neural Networks", show that the result
tends to a Gaussian whose standard deviation grows with the square root of the depth, and that a random
network has this field in expectation (of the squared gradient).

The weights of one unit are carried backwards through the graph, each axis for itself:

* a layer hands a unit's weight on in equal parts to what the unit reads; pointwise layers pass it on;
* a join gives each input a share in proportion to its channels: a sum averages, a concatenation counts channels;
* a gate (a product with something global) gives everything to what is gated;
* a layer that chooses its positions from the data (deformable convolution) keeps to its regular grid, and what
  it chooses them from gets nothing;
* a layer that sees the whole axis spreads the weight over it evenly.

Channels do not mix with positions, so that the weights along an axis are exactly the marginals of the
weights over the image. As receptive fields do, they reach into the padding as if the input went on there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, log, sqrt
from operator import add
from typing import NamedTuple

from archlab.analysis.facts import Facts
from archlab.analysis.receptive_field.fields import ReceptiveField, gate_inputs
from archlab.graph import Graph, Node
from archlab.layers.geometry import WHOLE, Phases, Reads, Whole, largest_reach
from archlab.layers.shape import channels_of, is_even, size_along

SHARE = 0.95
"""Of the weight, inside of the reported interval."""
NEGLIGIBLE = 1e-20
"""A weight at an end below which it is cut off: far beneath the rounding of the sums."""
MAX_POSITIONS = 1 << 16
"""Longest row of weights; beyond it the effective field is unknown."""
MOST_WORK = 12_000_000
"""Weights handed on for one estimate, beyond which the effective field is unknown."""
LAYER_WORK = 250
"""What a layer takes by itself, in weights."""


class Weights(NamedTuple):
    """The weight of every position from `first` on."""

    first: int
    values: list[float]


@dataclass(frozen=True)
class EffectiveAxis:
    """The weights over the input along one axis, and what they amount to.

    Attributes:
        first: position of the first weight.
        weights: of it and those that follow; they sum to 1.
        span: first and last position of the theoretical field.
        extent: positions of the input.
    """

    first: int
    weights: Sequence[float]
    span: tuple[int, int]
    extent: int

    @cached_property
    def mean(self) -> float:
        """Centre of the weight."""
        return sum([position * weight for position, weight in enumerate(self.weights, self.first)])

    @cached_property
    def std(self) -> float:
        """Standard deviation of the position, in input positions."""
        mean = self.mean
        return sqrt(sum([(p - mean) ** 2 * weight for p, weight in enumerate(self.weights, self.first)]))

    @cached_property
    def interval(self) -> tuple[int, int]:
        """The smallest interval around the centre of the theoretical field that holds 95 % of the weight."""
        centre = sum(self.span)
        at: dict[int, float] = {}
        for position, weight in enumerate(self.weights, self.first):
            distance = abs(2 * position - centre)
            at[distance] = at.get(distance, 0.0) + weight
        held = 0.0
        for distance in sorted(at):
            held += at[distance]
            if held >= SHARE - 1e-12:
                break
        return (centre - distance) // 2, (centre + distance) // 2

    @property
    def size(self) -> int:
        """Positions of the interval."""
        return self.interval[1] - self.interval[0] + 1

    @property
    def ratio(self) -> float:
        """The interval as a share of the theoretical field."""
        return self.size / (self.span[1] - self.span[0] + 1)

    @cached_property
    def inside(self) -> float:
        """Share of the weight that lies in the input rather than in the padding around it."""
        return min(1.0, sum(self.weights[max(0, -self.first) : max(0, self.extent - self.first)]))

    @cached_property
    def entropy(self) -> float:
        """In nats; exp(entropy) is the number of positions that equal weights would need for it."""
        return -sum([weight * log(weight) for weight in self.weights if weight > 0])


class EffectiveField(NamedTuple):
    """Along each axis."""

    axes: tuple[EffectiveAxis, ...]

    @property
    def area(self) -> float:
        """exp(entropy) of the product of all axes, in input positions: free of any scale or threshold."""
        return exp(sum([axis.entropy for axis in self.axes]))


def effective_field(
    graph: Graph, facts: list[Facts], fields: list[ReceptiveField], index: int, unit: tuple[int, ...]
) -> EffectiveField | None:
    """The estimated effective field of one unit.

    Args:
        graph: the network; its input must be a map.
        facts: of its nodes.
        fields: their theoretical receptive fields.
        index: of the node.
        unit: its position in the node's map; zeros for a flat output.

    Returns:
        None if the unit reads no input at all, it is not known what it reads, or it is spread over too many positions
        or layers.
    """
    return Estimator(graph, facts, fields).field(index, unit)


class Estimator:
    """Walks from units to the input.

    Attributes:
        work: weights that the last estimate has handed on.
    """

    def __init__(self, graph: Graph, facts: list[Facts], fields: list[ReceptiveField]) -> None:
        self.work = 0
        self._graph = graph
        self._facts = facts
        self._fields = fields
        self._gates = gate_inputs(graph, fields)
        self._sizes = [size_along(node.shape, len(graph.input_shape) - 1) for node in graph.nodes]

    def field(self, index: int, unit: tuple[int, ...]) -> EffectiveField | None:
        """The estimate of one unit; see `effective_field`."""
        theory = self._fields[index]
        self.work = 0
        if theory.unknown:
            return None
        axes: list[EffectiveAxis] = []
        if self._sizes[index] is None:
            unit = (0,) * len(theory.axes)
        for axis, extent in enumerate(self._graph.input_shape[1:]):
            if axis and unit[axis] == unit[axis - 1] and self._are_alike(index, theory):
                axes.append(axes[-1])
                continue
            weights = self._weights(index, axis, unit[axis])
            total = sum(weights.values) if weights is not None else 0.0
            if weights is None or total == 0:
                return None
            known = theory.axes[axis]
            span = (0, extent - 1) if known is None else known.span(unit[axis])[:2]
            axes.append(EffectiveAxis(weights.first, [value / total for value in weights.values], span, extent))
        return EffectiveField(tuple(axes))

    def _are_alike(self, index: int, field: ReceptiveField) -> bool:
        """Whether all axes are as the first, up to this node."""
        return index < self._uneven and all(axis is field.axes[0] for axis in field.axes)

    @cached_property
    def _uneven(self) -> int:
        """The first node whose axes are not all alike."""
        for node, fact in zip(self._graph.nodes, self._facts, strict=True):
            alike = all(axis is reads[0] or axis == reads[0] for reads in fact.reads for axis in reads)
            if not (alike and is_even(node.shape)):
                return node.index
        return len(self._graph.nodes)

    def _weights(self, index: int, axis: int, unit: int) -> Weights | None:
        """What one unit takes from the input along an axis; None if that is nothing or too much."""
        nodes = self._graph.nodes
        held: dict[int, Weights] = {index: Weights(unit, [1.0])}
        for i in range(index, 0, -1):
            weights = held.pop(i, None)
            if weights is None:
                continue
            for source, share, reads in self._sources(nodes[i], axis):
                size = self._sizes[source]
                given = hand_back(weights, reads, size[axis] if size else 1)
                if given is None or self.work > MOST_WORK:
                    return None
                self.work += len(given.values) + LAYER_WORK
                if share != 1:
                    given = Weights(given.first, [value * share for value in given.values])
                held[source] = _sum(held[source], given) if source in held else given
        return held.get(0)

    def _sources(self, node: Node, axis: int) -> list[tuple[int, float, Reads]]:
        """The inputs of a node, their shares of its weight, and how they are read."""
        if not node.inputs:
            return []
        has_axes = self._sizes[node.index] is not None
        reads = [
            read[axis] if has_axes and self._sizes[source] else WHOLE
            for source, read in zip(node.inputs, self._facts[node.index].reads, strict=True)
        ]
        if len(reads) == 1 or largest_reach(self._facts[node.index].reads[0]) > 0:
            return [(node.inputs[0], 1.0, reads[0])]
        left_out = self._gates.get(node.index, frozenset())
        inputs = [pair for i, pair in enumerate(zip(node.inputs, reads, strict=True)) if i not in left_out]
        parts = [
            1 if node.layer.others == "gated" else channels_of(self._graph.nodes[source].shape) for source, _ in inputs
        ]
        whole = sum(parts)
        return [(source, part / whole, read) for (source, read), part in zip(inputs, parts, strict=True)]


def hand_back(weights: Weights, reads: Reads, in_size: int) -> Weights | None:
    """The weights over a layer's input from those over its output.

    Args:
        weights: over the output.
        reads: which input units an output unit reads.
        in_size: number of input units.

    Returns:
        None if they would be too many.
    """
    if isinstance(reads, Whole):
        return Weights(0, [sum(weights.values) / in_size] * in_size) if in_size <= MAX_POSITIONS else None
    if isinstance(reads, Phases):
        return _hand_back_phases(weights, reads)
    first, values = weights
    if reads.stride > 1 or reads.kernel > 1:
        length = (len(values) - 1) * reads.stride + (reads.kernel - 1) * reads.dilation + 1
        if length > MAX_POSITIONS:
            return None
        values = _repeat(_apart(values, reads.stride), reads.kernel, reads.dilation)
        if reads.kernel > 1:
            share = 1 / reads.kernel
            values = [value * share for value in values]
        return _trim(first * reads.stride - reads.padding, values)
    return Weights(first - reads.padding, values)


def _apart(values: list[float], stride: int) -> list[float]:
    """The values `stride` apart."""
    if stride == 1:
        return values
    apart = [0.0] * ((len(values) - 1) * stride + 1)
    apart[::stride] = values
    return apart


def _repeat(values: list[float], count: int, step: int) -> list[float]:
    """The sum of `count` copies, each `step` further, by doubling."""
    if count == 1:
        return values
    half = _repeat(values, count // 2, step)
    both = _overlay(half, half, (count // 2) * step)
    return _overlay(both, values, (count - 1) * step) if count % 2 else both


def _overlay(one: list[float], other: list[float], shift: int) -> list[float]:
    """The sum of two rows, the other `shift` further on."""
    if shift >= len(one):
        return [*one, *[0.0] * (shift - len(one)), *other]
    end = shift + len(other)
    both = list(map(add, one[shift:end], other))
    return [*one[:shift], *both, *one[end:], *other[len(both) :]]


def _sum(one: Weights, other: Weights) -> Weights:
    if one.first > other.first:
        one, other = other, one
    return Weights(one.first, _overlay(one.values, other.values, other.first - one.first))


def _trim(first: int, values: list[float]) -> Weights:
    """Without the negligible ends."""
    start, end = 0, len(values)
    while start < end and values[start] < NEGLIGIBLE:
        start += 1
    while end > start and values[end - 1] < NEGLIGIBLE:
        end -= 1
    return Weights(first + start, values[start:end])


def _hand_back_phases(weights: Weights, reads: Phases) -> Weights | None:
    at: dict[int, float] = {}
    for unit, value in enumerate(weights.values, weights.first):
        read = reads.of(unit)
        for position in read:
            at[position] = at.get(position, 0.0) + value / len(read)
    first, last = min(at, default=0), max(at, default=-1)
    if last - first >= MAX_POSITIONS:
        return None
    return _trim(first, [at.get(position, 0.0) for position in range(first, last + 1)])
