"""Which cells one output unit reads, from the layer's exact reads, and where the kernel lies while it does.

The input is drawn on a lattice: its positions lie `step` apart, with zeros between them where a transposed convolution
stretches it, and cells of padding around it. What is read is what `Layer.reads` says, position by position; where the
kernel lies (its taps, those over zeros and padding among them) is told beside it, and never decides what is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Literal, NamedTuple

from archlab.layers.base import Layer
from archlab.layers.geometry import Phases, Reads, Whole, Window
from archlab.layers.shape import Shape, axis_count, is_map

Kind = Literal["input", "zero", "padding"]
"""What lies at a place of the lattice: a position of the input, a zero between two, or what is around the map."""
Position = tuple[int, ...]


class Tap(NamedTuple):
    """Where one weight of the kernel lies, along an axis: the place on the lattice, and its number."""

    place: int
    number: int


@dataclass(frozen=True)
class AxisSight:
    """One axis of a layer.

    Attributes:
        reads: as the layer says.
        size: positions of the input.
        units: positions of the output.
        step: lattice places from one input position to the next: 1, or the stride of a transposed convolution.
        kernel: of a transposed convolution: (taps, dilation, padding); None of any other layer.
        own_weights: whether each unit has weights of its own, as those of a linear layer.
    """

    reads: Reads
    size: int
    units: int
    step: int = 1
    kernel: tuple[int, int, int] | None = None
    own_weights: bool = False

    def read(self, unit: int) -> list[int]:
        """The input positions inside the map whose values a unit is made of, in ascending order, each once."""
        if isinstance(self.reads, Whole):
            return list(range(self.size))
        found = [self.value_at(place) for place in self.reads.of(unit)]
        return sorted({place for place in found if place is not None})

    def value_at(self, place: int) -> int | None:
        """The input position whose value stands at a place, inside the map or not; None where there is none."""
        if 0 <= place < self.size:
            return place
        return self.reads.stands_in(place, self.size) if isinstance(self.reads, Window) else None

    def taps(self, unit: int) -> list[Tap]:
        """Where the kernel lies for a unit, over zeros and padding too."""
        if self.kernel is not None:
            count, dilation, padding = self.kernel
            return [Tap(unit + padding - tap * dilation, tap) for tap in reversed(range(count))]
        if isinstance(self.reads, Whole):
            first = unit * self.size if self.own_weights else 0
            return [Tap(place, first + place) for place in range(self.size)]
        found = [Tap(place, tap) for tap, place in enumerate(self.reads.of(unit))]
        return found if isinstance(self.reads, Window) else [tap for tap in found if 0 <= tap.place < self.size]

    @cached_property
    def extent(self) -> tuple[int, int]:
        """The first and the last place of the lattice: the whole map, and all that the kernel ever lies over."""
        ends = [0, (self.size - 1) * self.step]
        for unit in {0, self.units - 1} if isinstance(self.reads, Window) or self.kernel else range(self.units):
            places = [tap.place for tap in self.taps(unit)]
            ends += [min(places), max(places)] if places else []
        return min(ends), max(ends)

    def kind(self, place: int) -> Kind:
        """What lies there."""
        if not 0 <= place <= (self.size - 1) * self.step:
            return "padding"
        return "zero" if place % self.step else "input"

    def readers(self, position: int) -> list[int]:
        """The units that read an input position: the projective field."""
        return [unit for unit in range(self.units) if position in self.read(unit)]


@dataclass(frozen=True)
class Sight:
    """A layer of one to three axes; a linear one has its features along one.

    Attributes:
        layer: the layer.
        inputs: shape of its input.
        outputs: shape of its output.
        axes: along each.
    """

    layer: Layer
    inputs: Shape
    outputs: Shape
    axes: tuple[AxisSight, ...]

    def read(self, unit: Position) -> list[Position]:
        """The input positions that a unit reads, in order; none where it lies over padding alone along an axis."""
        return list(product(*[axis.read(at) for axis, at in zip(self.axes, unit, strict=True)]))

    def taps(self, unit: Position) -> list[tuple[Position, Position]]:
        """Where the kernel lies for a unit: places on the lattice, and the taps' numbers along the axes."""
        along = [axis.taps(at) for axis, at in zip(self.axes, unit, strict=True)]
        return [(tuple([t.place for t in taps]), tuple([t.number for t in taps])) for taps in product(*along)]

    def place(self, position: Position) -> Position:
        """Of an input position on the lattice."""
        return tuple([at * axis.step for axis, at in zip(self.axes, position, strict=True)])

    def kind(self, place: Position) -> Kind:
        """What lies at a place of the lattice."""
        kinds = {axis.kind(at) for axis, at in zip(self.axes, place, strict=True)}
        return "padding" if "padding" in kinds else "zero" if "zero" in kinds else "input"

    def readers(self, position: Position) -> list[Position]:
        """The units that read an input position."""
        return list(product(*[axis.readers(at) for axis, at in zip(self.axes, position, strict=True)]))

    def units(self) -> list[Position]:
        """Every output position, row by row."""
        return list(product(*[range(axis.units) for axis in self.axes]))

    @property
    def is_dense(self) -> bool:
        """Whether each unit has a weight for every input."""
        return self.axes[0].own_weights

    @property
    def kernel(self) -> Position:
        """The number of weights along each axis; empty for a layer without a kernel of weights."""
        if self.is_dense:
            return (self.axes[0].size * self.axes[0].units,)
        sizes = getattr(self.layer, "kernel_size", None)
        if self.layer.role != "weighted" or not isinstance(sizes, tuple) or len(sizes) != len(self.axes):
            return ()  # that of a channel attention slides over channels
        return tuple(map(int, sizes))


def sight_of(layer: Layer, inputs: tuple[Shape, ...]) -> Sight | None:
    """How a layer reads its first input; None where that is no map before and behind it, nor flat before a linear one.

    Raises:
        ShapeError: if the layer cannot take the shapes.
    """
    shape, output = inputs[0], layer.out_shape(inputs)
    if layer.type == "linear" and type(shape) is tuple and len(shape) == 1:
        axis = AxisSight(Whole(), shape[0], output[0], own_weights=True)
        return Sight(layer, (1, *shape), (1, *output), (axis,))
    if not (is_map(shape) and is_map(output)) or axis_count(shape) != axis_count(output):
        return None
    reads = layer.reads(inputs, output)[0]
    sizes = zip(reads, shape[1:], output[1:], strict=True)
    return Sight(layer, shape, output, tuple([_axis(layer, *pair, axis) for axis, pair in enumerate(sizes)]))


def _axis(layer: Layer, reads: Reads, size: int, units: int, axis: int) -> AxisSight:
    if not hasattr(layer, "output_padding"):
        return AxisSight(reads, size, units)
    options: Any = layer
    kernel = int(options.kernel_size[axis]), int(options.dilation[axis]), int(options.padding[axis])
    return AxisSight(reads, size, units, int(options.stride[axis]), kernel)


def is_phased(axis: AxisSight) -> bool:
    """Whether units of an axis read differently, without a kernel that slides over a lattice."""
    return isinstance(axis.reads, Phases) and axis.kernel is None
