"""A map small enough to draw: the layer's own, or one on which the same layer can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

from archlab.explain.drawing.geometry import AxisSight, Sight, sight_of
from archlab.layers.base import Layer
from archlab.layers.geometry import Whole
from archlab.layers.shape import Shape, ShapeError, axis_count

MOST_CELLS = {1: 40, 2: 24, 3: 7}
"""By number of axes: places along each that a picture has."""
MOST_UNITS = {1: 40, 2: 100, 3: 64}
"""By number of axes: output positions of an own map that is drawn as it is."""
LARGEST = {1: 64, 2: 48, 3: 14}
"""By number of axes: the same of an example, so that large kernels are drawn at all."""
WANTED = {1: 5, 2: 4, 3: 3}
"""By number of axes: output positions along each of an example."""


DENSE = 6, 4
"""Inputs and outputs of a linear layer that are drawn; each weight has a letter."""
MOST_OF_SIZE = 12
"""Output positions of an example whose size is an option of the layer."""


class Example(NamedTuple):
    """What is drawn.

    Attributes:
        sight: of the layer on a map.
        changed: whether it is another map than the layer's own.
    """

    sight: Sight
    changed: bool


def example_of(layer: Layer, inputs: tuple[Shape, ...]) -> Example | None:
    """The layer on its own map if that is small, else on the smallest that shows several units; None if none does."""
    own = sight_of(layer, inputs)
    if own is None:
        return None
    if own.is_dense:
        return _dense(layer, own)
    rank = len(own.axes)
    units = prod(axis.units for axis in own.axes)
    if units <= MOST_UNITS[rank] and all(_cells(axis) <= MOST_CELLS[rank] for axis in own.axes):
        return Example(own, changed=False)
    found = next(_smaller(layer, inputs, own), None)
    return None if found is None else Example(found, changed=True)


def _dense(layer: Layer, own: Sight) -> Example | None:
    """A linear layer with few features."""
    (axis,) = own.axes
    few = min(axis.size, DENSE[0]), min(axis.units, DENSE[1])
    small = sight_of(layer.model_copy(update={"out_features": few[1]}), ((few[0],),))
    return None if small is None else Example(small, changed=few != (axis.size, axis.units))


def _cells(axis: AxisSight) -> int:
    """Places along an axis, of the larger of both maps; without looking at each, where they are too many anyway."""
    taps = 1 if isinstance(axis.reads, Whole) else axis.reads.most_taps
    most = max(axis.size, axis.units, taps)
    if most > max(LARGEST.values()):
        return most
    first, last = axis.extent
    return max(last - first + 1, axis.units)


def _smaller(layer: Layer, inputs: tuple[Shape, ...], own: Sight) -> Iterator[Sight]:
    """The layer on small maps that fit, the wanted number of units first, then fewer."""
    rank = len(own.axes)
    for wanted in range(WANTED[rank], 0, -1):
        resized = _resized(layer, own, wanted)
        if resized is not None:
            found = _tried(*resized, inputs)
            if found is not None:
                yield found
            continue
        sizes = [_least(layer, inputs, axis, wanted, rank) for axis in range(rank)]
        if all(size is not None for size in sizes):
            found = _tried(layer, (inputs[0][0], *[size for size in sizes if size is not None]), inputs)
            if found is not None:
                yield found


def _tried(layer: Layer, shape: Shape, inputs: tuple[Shape, ...]) -> Sight | None:
    try:
        found = sight_of(layer, (shape, *_others(layer, shape, inputs)))
    except ShapeError:
        return None
    rank = axis_count(shape)
    fits = found is not None and all(_cells(axis) <= LARGEST[rank] for axis in found.axes)
    return found if fits else None


def _others(layer: Layer, shape: Shape, inputs: tuple[Shape, ...]) -> list[Shape]:
    """Offsets and masks of a deformable convolution, as large as its output."""
    if layer.others != "offsets" or len(inputs) < 2:
        return list(inputs[1:])
    regular: Any = layer
    output = regular._regular().out_shape((shape,))  # noqa: SLF001 - the convolution that it is without offsets
    return [(other[0], *output[1:]) for other in inputs[1:]]


def _least(layer: Layer, inputs: tuple[Shape, ...], axis: int, wanted: int, rank: int) -> int | None:
    """The smallest size along an axis that gives so many units; of a layer that reads it whole, 4."""
    own = inputs[0][1 + axis]
    for size in range(1, LARGEST[rank] + 1):
        shape = (inputs[0][0], *[size] * rank)
        try:
            found = sight_of(layer, (shape, *_others(layer, shape, inputs)))
        except ShapeError:
            continue
        if found is None:
            return None
        if isinstance(found.axes[axis].reads, Whole) and found.axes[axis].units == 1:
            return min(own, 4)
        units = found.axes[axis].units
        if units >= wanted and (units < size or size >= min(own, 3)):
            return size
    return None


def _resized(layer: Layer, own: Sight, wanted: int) -> tuple[Layer, Shape] | None:
    """Of a layer that is told its output's size: a smaller one in about the same proportion; None of any other."""
    name = next((name for name in ("output_size", "size") if getattr(layer, name, None) is not None), None)
    if name is None:
        return None
    sizes, outputs = list[int](), list[int]()
    for axis in own.axes:
        larger = max(axis.size, axis.units) / min(axis.size, axis.units)
        if axis.units == 1:
            size, out = min(axis.size, 4), 1
        elif axis.size >= axis.units:
            out = min(axis.units, wanted)
            size = max(out, round(out * larger))
        else:
            size = min(axis.size, wanted)
            out = min(round(size * larger), MOST_OF_SIZE)
        sizes.append(size)
        outputs.append(out)
    return layer.model_copy(update={name: tuple(outputs)}), (own.inputs[0], *sizes)
