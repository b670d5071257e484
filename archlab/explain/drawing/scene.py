"""What a picture shows: the maps, the channels, and for each output unit what is marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import prod

from archlab.explain.drawing.example import Example, example_of
from archlab.explain.drawing.geometry import Position, Sight
from archlab.explain.drawing.offsets import Point, moved, sampled
from archlab.explain.matrix.linear_map import LinearMap, linear_map
from archlab.explain.subject import Subject
from archlab.explain.topics import pointwise_after
from archlab.layers.describe import describe
from archlab.layers.shape import AXIS_NAMES, shape_text

MOST_GROUPS, MOST_OF_GROUP = 4, 2
"""Groups of channels that are drawn, and channels of each."""
MOST_ROWS, MOST_COLUMNS = 36, 64
"""Of a matrix that is drawn."""


@dataclass(frozen=True)
class Frame:
    """One output unit.

    Attributes:
        unit: its position.
        read: the input positions that it reads.
        taps: where the kernel lies on the lattice, with the numbers of the weights.
        moved: where the taps of a deformable convolution are moved to, in their order; empty for any other.
        group: which group of channels is marked.
    """

    unit: Position
    read: tuple[Position, ...]
    taps: tuple[tuple[Position, Position], ...]
    moved: tuple[Point, ...]
    group: int


@dataclass(frozen=True)
class Scene:
    """A layer on a map that can be drawn.

    Attributes:
        subject: the layer in its network.
        example: the map.
        pointwise: the 1x1 convolution behind a depthwise one, with which it makes a separable one; None without.
    """

    subject: Subject
    example: Example
    pointwise: Subject | None

    @property
    def sight(self) -> Sight:
        """Of the layer."""
        return self.example.sight

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.sight.axes)

    @property
    def is_deformable(self) -> bool:
        """Whether offsets move the taps."""
        return self.subject.layer.others == "offsets"

    @cached_property
    def groups(self) -> int:
        """Groups of channels that are drawn; 0 where all channels are read alike."""
        return min(self.subject.groups, MOST_GROUPS) if self.subject.groups > 1 else 0

    @cached_property
    def block(self) -> tuple[int, int]:
        """Input and output channels of a drawn group."""
        groups = self.subject.groups
        sizes = self.subject.inputs[0][0] // groups, self.subject.output[0] // groups
        return min(sizes[0], MOST_OF_GROUP), min(sizes[1], MOST_OF_GROUP)

    @property
    def middle(self) -> Frame:
        """That of a unit in the middle of the map."""
        unit = tuple([axis.units // 2 for axis in self.sight.axes])
        return self.frame(unit, self.sight.units().index(unit))

    def frames(self) -> Iterator[Frame]:
        """One for each output unit, row by row."""
        for number, unit in enumerate(self.sight.units()):
            yield self.frame(unit, number)

    def frame(self, unit: Position, number: int = 0) -> Frame:
        """What is marked for a unit."""
        sight, points = self.sight, tuple(moved(self.sight, unit)) if self.is_deformable else ()
        read = {place for point in points for place in sampled(sight, point)} if points else set(sight.read(unit))
        group = number % self.groups if self.groups else 0
        return Frame(unit, tuple(sorted(read)), tuple(sight.taps(unit)), points, group)

    @cached_property
    def matrix(self) -> LinearMap | None:
        """From one channel to one, where it is small enough to be drawn."""
        if self.is_deformable or self.pointwise is not None:
            return None
        found = _dense_map(self.sight) if self.sight.is_dense else linear_map(self.sight.layer, self.sight.inputs)
        if found is None:
            return None
        rows, columns = prod(found.outputs[1:]), prod(found.inputs[1:])
        return found if rows <= MOST_ROWS and columns <= MOST_COLUMNS else None

    @property
    def title(self) -> str:
        """What it is, with its real shapes."""
        subject = self.subject
        behind = f", then {describe(self.pointwise.layer)}" if self.pointwise is not None else ""
        after = subject.output if self.pointwise is None else self.pointwise.output
        what = describe(subject.layer).replace("deform_conv2d_op", "deform_conv2d")
        return f"{what}{behind}: {shape_text(subject.inputs[0])} to {shape_text(after)}"

    def remarks(self) -> list[str]:
        """What of the picture is not the layer's own."""
        found: list[str] = []
        if self.example.changed:
            found.append(self._small_remark())
        if self.groups:
            found.append(self._groups_remark())
        elif self.sight.is_dense:
            found.append("Each output reads every input, and has a weight of its own for it.")
        elif self.sight.kernel and self.subject.inputs[0][0] > 1:
            count = self.subject.inputs[0][0]
            found.append(f"One channel is drawn; each output channel reads all {count} input channels so.")
        if self.is_deformable:
            found.append("The offsets are made up: in a network they are computed from the data.")
        return found

    def _small_remark(self) -> str:
        if self.sight.is_dense:
            (few,), (ins,), (outs,) = self.sight.axes, self.subject.inputs[0], self.subject.output
            return f"Drawn with {few.size} inputs and {few.units} outputs; the real one has {ins} and {outs}."
        small, own = self.sight.inputs[1:], self.subject.inputs[0][1:]
        where = "on a small map of"
        if small == own:
            small, own, where = self.sight.outputs[1:], self.subject.output[1:], "with a small output of"
        size = f"{'length ' if self.rank == 1 else ''}{shape_text(small)}"
        return f"Drawn {where} {size}; the real one {'has' if self.rank == 1 else 'is'} {shape_text(own)}."

    def _groups_remark(self) -> str:
        groups, drawn = self.subject.groups, self.groups
        (ins, outs), (own_in, own_out) = self.block, self._own_block
        if (groups, own_in, own_out) == (drawn, ins, outs):
            return f"All {groups} groups of channels are drawn."
        return f"Of {groups} groups ({own_in} to {own_out} channels each) {drawn} are drawn ({ins} to {outs} each)."

    @property
    def _own_block(self) -> tuple[int, int]:
        groups = self.subject.groups
        return self.subject.inputs[0][0] // groups, self.subject.output[0] // groups

    def axis_word(self) -> str:
        """What the positions of a map are."""
        return " x ".join(AXIS_NAMES[self.rank])


def _dense_map(sight: Sight) -> LinearMap:
    """The matrix of a linear layer: a weight everywhere."""
    taps = [[(tap.place, tap.number) for tap in sight.axes[0].taps(unit)] for unit in range(sight.axes[0].units)]
    return LinearMap("weights", sight.inputs, sight.outputs, (taps,), 1, transposed=False, share=lambda _: Fraction(1))


def scene_of(subject: Subject) -> Scene | None:
    """A layer's picture; None where it has no map before and behind it, or none that is small."""
    if not subject.inputs or subject.layer.role == "opaque":
        return None
    several = len(subject.inputs) > 1 and subject.layer.others != "offsets"
    if several:
        return None
    example = example_of(subject.layer, subject.inputs)
    if example is None:
        return None
    is_depthwise = subject.is_convolution and not subject.is_transposed and 1 < subject.groups == subject.inputs[0][0]
    return Scene(subject, example, pointwise_after(subject) if is_depthwise else None)
