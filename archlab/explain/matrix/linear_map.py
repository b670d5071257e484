"""Which elements of a layer's matrix are not zero, and which weight stands there.

The matrix has a row for each output element and a column for each input element, both flattened as PyTorch
does (channel, then position, the last axis the fastest). It is never built: its structure is that of the axes and
of the channels, one beside the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, Literal, NamedTuple

from archlab.explain.weight import weight_of
from archlab.layers.base import Layer
from archlab.layers.geometry import Phases, Reads, Whole, Window
from archlab.layers.ranks import ranks
from archlab.layers.shape import Shape, axis_count, is_map

Kind = Literal["weights", "mean", "max"]
POOLS: dict[str, Kind] = {
    **dict.fromkeys([*ranks("max_pool2d"), *ranks("adaptive_max_pool2d")], "max"),
    **dict.fromkeys([*ranks("avg_pool2d"), *ranks("adaptive_avg_pool2d")], "mean"),
}
"""Layers without weights that are matrices: what stands in a row."""

Position = tuple[int, ...]
"""An index along each axis."""

AxisTaps = list[list[tuple[int, int]]]
"""For each output position: the input positions that it reads, each with the tap that multiplies it."""


class Entry(NamedTuple):
    """One product: `output[row] += value * input[column]`.

    Attributes:
        row: of the matrix.
        column: of the matrix.
        weight: index into the weight; empty for pooling.
        share: the value of average pooling; 1 else.
    """

    row: int
    column: int
    weight: tuple[int, ...]
    share: Fraction


@dataclass(frozen=True)
class LinearMap:
    """A layer's matrix.

    Attributes:
        kind: what stands in it.
        inputs: shape of the input.
        outputs: shape of the output.
        axes: taps along each axis.
        groups: independent groups of channels: blocks on the diagonal.
        transposed: whether the weight's first index is the input channel.
        share: the value at an output position, for means.
    """

    kind: Kind
    inputs: Shape
    outputs: Shape
    axes: tuple[AxisTaps, ...]
    groups: int
    transposed: bool
    share: Callable[[Position], Fraction]

    @property
    def rows(self) -> int:
        """Output elements."""
        return prod(self.outputs)

    @property
    def columns(self) -> int:
        """Input elements."""
        return prod(self.inputs)

    @property
    def block(self) -> tuple[int, int]:
        """Output and input channels of one group."""
        return self.outputs[0] // self.groups, self.inputs[0] // self.groups

    @cached_property
    def nonzeros(self) -> int:
        """Elements in which something stands: the product of channels and axes."""
        axes = (sum(len({place for place, _ in taps}) for taps in axis) for axis in self.axes)
        return prod(self.block) * self.groups * prod(axes)

    @property
    def sparsity(self) -> float:
        """Share of zeros."""
        return 1 - self.nonzeros / (self.rows * self.columns)

    def entries(self) -> Iterator[Entry]:
        """Every product, in the order of the rows. Where the padding repeats the input, several add up in one place."""
        out_block, in_block = self.block
        for out_channel in range(self.outputs[0]):
            group, own = divmod(out_channel, out_block)
            for unit in positions(self.outputs[1:]):
                place = flat_index((out_channel, *unit), self.outputs)
                for partner in range(in_block):
                    in_channel = group * in_block + partner
                    pair = (in_channel, own) if self.transposed else (out_channel, partner)
                    yield from self._products(place, in_channel, pair, unit)

    def _products(self, row: int, channel: int, pair: tuple[int, int], unit: Position) -> Iterator[Entry]:
        share = self.share(unit)
        for places, taps in self.reads(unit):
            weight = (*pair, *taps) if self.kind == "weights" else ()
            yield Entry(row, flat_index((channel, *places), self.inputs), weight, share)

    def reads(self, unit: Position) -> Iterator[tuple[Position, Position]]:
        """Each input position that an output position reads, and the tap that multiplies it, along the axes."""
        for read in product(*[axis[at] for axis, at in zip(self.axes, unit, strict=True)]):
            yield tuple([place for place, _ in read]), tuple([tap for _, tap in read])


def positions(sizes: tuple[int, ...]) -> Iterator[Position]:
    """Every position of a map, the last axis the fastest."""
    return product(*map(range, sizes))


def flat_index(position: Position, sizes: tuple[int, ...]) -> int:
    """Where a position lies among all of them, the last axis the fastest."""
    index = 0
    for at, size in zip(position, sizes, strict=True):
        index = index * size + at
    return index


def linear_map(layer: Layer, shape: Shape) -> LinearMap | None:
    """A layer's matrix for an input of a shape; None if it has none: it is not linear, or its taps depend on the data.

    Raises:
        ShapeError: if the layer cannot take the shape.
    """
    if not is_map(shape) or layer.others == "offsets":
        return None
    rank = axis_count(shape)
    output = layer.out_shape((shape,))
    weight = weight_of(layer, (shape,))
    if layer.role == "weighted" and not weight:
        return None
    kind = "weights" if len(weight) == rank + 2 else POOLS.get(layer.type)
    if kind is None:
        return None
    transposed = hasattr(layer, "output_padding")
    axes = tuple([_transposed_taps(layer, weight, shape, output, a) if transposed else _taps(layer, shape, output, a)
                  for a in range(rank)])  # fmt: skip
    groups = shape[0]
    if kind == "weights":
        groups = output[0] // weight[1] if transposed else shape[0] // weight[1]
    share = _share(layer, shape, axes) if kind == "mean" else _one
    return LinearMap(kind, shape, output, axes, groups, transposed, share)


def _one(_position: Position) -> Fraction:
    return Fraction(1)


def _taps(layer: Layer, shape: Shape, output: Shape, axis: int) -> AxisTaps:
    size, out = shape[1 + axis], output[1 + axis]
    reads: Reads = layer.reads((shape,), output)[0][axis]
    if isinstance(reads, Whole):
        return [[(place, place) for place in range(size)] for _ in range(out)]
    found: AxisTaps = []
    for unit in range(out):
        places = [(_inside(reads, place, size), tap) for tap, place in enumerate(reads.of(unit))]
        found.append([(place, tap) for place, tap in places if place is not None])
    return found


def _inside(reads: Window | Phases, place: int, size: int) -> int | None:
    """The input position whose value stands at `place`; None where there is a zero."""
    if 0 <= place < size:
        return place
    return reads.stands_in(place, size) if isinstance(reads, Window) else None


def _transposed_taps(layer: Layer, weight: Shape, shape: Shape, output: Shape, axis: int) -> AxisTaps:
    """Input `i` adds tap `k` to output `i * stride - padding + k * dilation`."""
    options: Any = layer
    stride, padding, dilation = options.stride[axis], options.padding[axis], options.dilation[axis]
    found: AxisTaps = [[] for _ in range(output[1 + axis])]
    for place in range(shape[1 + axis]):
        for tap in range(weight[2 + axis]):
            unit = place * stride - padding + tap * dilation
            if 0 <= unit < len(found):
                found[unit].append((place, tap))
    return found


def _share(layer: Layer, shape: Shape, axes: tuple[AxisTaps, ...]) -> Callable[[Position], Fraction]:
    """What average pooling divides by."""
    divisor = getattr(layer, "divisor_override", None)
    if divisor is not None:
        return lambda _position: Fraction(1, divisor)
    counted = [[len(taps) for taps in axis] for axis in axes]
    if getattr(layer, "count_include_pad", False):
        counted = [_padded_lengths(layer, shape, axes, axis) for axis in range(len(axes))]
    return lambda position: Fraction(1, prod(own[at] for own, at in zip(counted, position, strict=True)))


def _padded_lengths(layer: Layer, shape: Shape, axes: tuple[AxisTaps, ...], axis: int) -> list[int]:
    """Lengths of the windows with the zeros of the padding, but not beyond them (`ceil_mode`)."""
    window = layer.reads((shape,), layer.out_shape((shape,)))[0][axis]
    assert isinstance(window, Window)
    end = shape[1 + axis] + window.padding
    starts = [unit * window.stride - window.padding for unit in range(len(axes[axis]))]
    return [min(start + window.kernel, end) - start for start in starts]
