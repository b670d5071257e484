"""Which input positions one output position reads, along one spatial axis.

A layer describes each axis with one of three forms, which together cover every layer whose reads do not
depend on the data:

* `Window`: the same window slides over the input (convolution, pooling, padding).
* `Phases`: the reads repeat with a period (transposed convolution, upsampling, adaptive pooling whose
  output does not divide its input).
* `WHOLE`: every output reads the whole axis (global pooling, softmax over space).

All positions are indices into the *unpadded* input, so padding shows as negative positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import gcd
from typing import Literal, overload

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
"""What lies outside of a map: a constant, or values of the map itself."""


@dataclass(frozen=True, slots=True)
class Window:
    """Output `o` reads the inputs `o * stride - padding + k * dilation` for `k` in `range(kernel)`.

    Attributes:
        kernel: inputs that an output reads.
        stride: inputs from one output's first to the next one's.
        padding: positions in front of the map that the first output reads.
        dilation: inputs from one tap to the next.
        mode: what is read outside of the map; such positions count as outside whatever it is.
        reach: how far a tap may move from this grid, in positions, where the data decide (deformable convolution);
            infinity where nothing bounds it.
        context: whether statistics of the whole map scale what is read (group normalisation).
    """

    kernel: int = 1
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    mode: PaddingMode = "zeros"
    reach: float = 0.0
    context: bool = False

    @property
    def is_identity(self) -> bool:
        """Whether each output reads the input at its own position, though something else may lie behind the map."""
        return self.kernel == self.stride == self.dilation == 1 and self.padding == 0

    def stands_in(self, position: int, size: int) -> int | None:
        """The position whose value is read at a position outside of an axis of `size`; None where none is."""
        if self.mode == "reflect":
            return -position if position < 0 else 2 * (size - 1) - position
        if self.mode == "replicate":
            return min(max(position, 0), size - 1)
        return position % size if self.mode == "circular" else None

    def of(self, unit: int) -> Sequence[int]:
        """The inputs that output `unit` reads, inside the maps or not, in ascending order."""
        start = unit * self.stride - self.padding
        return range(start, start + self.kernel * self.dilation, self.dilation)

    @property
    def most_taps(self) -> int:
        """How many inputs an output reads."""
        return self.kernel

    def between(self, first: int, last: int) -> tuple[int, int]:
        """The first and last input that outputs `first` to `last` read."""
        start = first * self.stride - self.padding
        return start, start + (last - first) * self.stride + (self.kernel - 1) * self.dilation


@dataclass(frozen=True, slots=True)
class Phases:
    """Output `o = q * up + p` (0 <= p < up) reads the inputs `q * down + t` for `t` in `taps[p]`.

    The stride is `down / up`: below one for layers that enlarge the map. A phase without taps reads nothing.
    Taps of long periods are a rule (`Taps`) instead of a tuple. Those of a phase are in ascending order.
    """

    up: int
    down: int
    taps: Sequence[tuple[int, ...]]
    _reach: tuple[int, int] | None = field(init=False, repr=False, compare=False)
    """The lowest and the highest tap where outputs do not read further and further on, or some read nothing."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_reach", self.taps.reach if isinstance(self.taps, Taps) else self._worked_out())

    def _worked_out(self) -> tuple[int, int] | None:
        read = [taps for taps in self.taps if taps]
        starts, ends = [taps[0] for taps in read], [taps[-1] for taps in read]
        if not read:
            return 0, -1
        rising = all(
            places == sorted(places) and places[-1] <= places[0] + self.down for places in (starts, ends)
        ) and len(read) == len(self.taps)
        return None if rising else (min(starts), max(ends))

    def of(self, unit: int) -> Sequence[int]:
        """The inputs that output `unit` reads, inside the maps or not."""
        cycle, phase = divmod(unit, self.up)
        base = cycle * self.down
        return [base + tap for tap in self.taps[phase]]

    @property
    def most_taps(self) -> int:
        """How many inputs an output reads at most; at least 1."""
        return self.taps.most if isinstance(self.taps, Taps) else max(1, *map(len, self.taps))

    def between(self, first: int, last: int) -> tuple[int, int] | None:
        """Inputs around all that outputs `first` to `last` read, without a step for each; None if they read nothing.

        They are the first and the last one read, where outputs read further and further on.
        """
        if self._reach is None:
            return self.of(first)[0], self.of(last)[-1]
        lowest, highest = self._reach
        if highest < lowest:
            return None
        return first // self.up * self.down + lowest, last // self.up * self.down + highest


class Taps(Sequence[tuple[int, ...]]):
    """The taps of every phase of a period too long to be listed, worked out one by one.

    Args:
        period: number of phases.
        most: taps of a phase at most; at least 1.
        rule: the taps of a phase.
        reach: the lowest and the highest tap of all phases, where outputs do not read further and further on or some
            read nothing.
    """

    __slots__ = ("_period", "_rule", "most", "reach")

    def __init__(
        self,
        period: int,
        most: int,
        rule: Callable[[int], tuple[int, ...]],
        reach: tuple[int, int] | None = None,
    ) -> None:
        self.reach = reach
        self._period = period
        self._rule = rule
        self.most = most

    def __len__(self) -> int:
        return self._period

    @overload
    def __getitem__(self, phase: int) -> tuple[int, ...]: ...

    @overload
    def __getitem__(self, phase: slice) -> Sequence[tuple[int, ...]]: ...

    def __getitem__(self, phase: int | slice) -> tuple[int, ...] | Sequence[tuple[int, ...]]:
        if isinstance(phase, slice):
            return [self._rule(index) for index in range(*phase.indices(self._period))]
        if not 0 <= phase < self._period:
            raise IndexError(phase)
        return self._rule(phase)


MOST_LISTED = 256
"""Longest period whose taps are listed."""


def taps_of(
    period: int, most: int, rule: Callable[[int], tuple[int, ...]], reach: tuple[int, int] | None = None
) -> Sequence[tuple[int, ...]]:
    """The taps of every phase: listed where the period is short; `reach` as `Taps` has it."""
    return tuple(map(rule, range(period))) if period <= MOST_LISTED else Taps(period, most, rule, reach)


def listed_taps(reads: Reads) -> int:
    """How many phases and taps are listed, in steps of about a microsecond."""
    if not isinstance(reads, Phases) or isinstance(reads.taps, Taps):
        return 0
    return len(reads.taps) + sum(map(len, reads.taps)) // 8


@dataclass(frozen=True, slots=True)
class Whole:
    """Every output reads the whole axis."""


@dataclass(frozen=True, slots=True)
class Unknown(Whole):
    """It is not known what is read: taken for the whole axis, and told."""


IDENTITY = Window()
WHOLE = Whole()
UNKNOWN = Unknown()

Reads = Window | Phases | Whole
AxisReads = tuple[Reads, ...]
"""The reads along each axis of a map, in its order; of a flat value there are none."""

_POINTWISE: tuple[AxisReads, ...] = tuple([(IDENTITY,) * rank for rank in range(4)])
_IN_CONTEXT: tuple[AxisReads, ...] = tuple([(Window(context=True),) * rank for rank in range(4)])
_EVERYTHING: tuple[AxisReads, ...] = tuple([(WHOLE,) * rank for rank in range(4)])
_NOTHING: tuple[AxisReads, ...] = tuple([(Phases(up=1, down=0, taps=((),)),) * rank for rank in range(4)])


def pointwise(rank: int) -> AxisReads:
    """Position by position along so many axes: the same object for each number of them."""
    return _POINTWISE[rank]


def in_context(rank: int) -> AxisReads:
    """Position by position, scaled by statistics of the whole map."""
    return _IN_CONTEXT[rank]


def is_pointwise(reads: AxisReads) -> bool:
    """Whether a layer says of itself that it goes position by position (`pointwise`, `in_context`)."""
    return reads is _POINTWISE[len(reads)] or reads is _IN_CONTEXT[len(reads)]


def is_unknown(reads: AxisReads) -> bool:
    """Whether it is not known what is read along some axis."""
    return any(isinstance(axis, Unknown) for axis in reads)


def everything(rank: int) -> AxisReads:
    """The whole of so many axes."""
    return _EVERYTHING[rank]


def nothing(rank: int) -> AxisReads:
    """None of the input's positions, along so many axes."""
    return _NOTHING[rank]


def along(reads: AxisReads, axis: int) -> Reads:
    """The reads along an axis; a flat value is read as it is."""
    return reads[axis] if reads else IDENTITY


BROADCAST: Reads = Phases(up=1, down=0, taps=((0,),))
"""Every output position reads the one position of a map of size 1."""


def largest_reach(reads: AxisReads) -> float:
    """How far the data may move what is read, along any axis; 0 where they have no say."""
    return max([axis.reach for axis in reads if isinstance(axis, Window)], default=0.0)


def adaptive_reads(in_size: int, out_size: int) -> Reads:
    """Reads of adaptive pooling: output `o` covers `floor(o * in / out)` to `ceil((o + 1) * in / out)`.

    Args:
        in_size: input positions along the axis.
        out_size: output positions along the axis.
    """
    if out_size == in_size:
        return IDENTITY
    if out_size == 1:
        return WHOLE
    if in_size % out_size == 0:
        step = in_size // out_size
        return Window(kernel=step, stride=step)
    divisor = gcd(in_size, out_size)
    up, down = out_size // divisor, in_size // divisor

    def taps(phase: int) -> tuple[int, ...]:
        return tuple(range(*adaptive_bounds(phase, down, up)))

    return Phases(up, down, taps_of(up, -(-down // up) + 1, taps))


def adaptive_bounds(position: int, in_size: int, out_size: int) -> tuple[int, int]:
    """First input and one past the last input that adaptive pooling's output `position` covers."""
    return position * in_size // out_size, -((-(position + 1) * in_size) // out_size)
