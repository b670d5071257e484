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

from dataclasses import dataclass
from math import gcd


@dataclass(frozen=True, slots=True)
class Window:
    """Output `o` reads the inputs `o * stride - padding + k * dilation` for `k` in `range(kernel)`."""

    kernel: int = 1
    stride: int = 1
    padding: int = 0
    dilation: int = 1


@dataclass(frozen=True, slots=True)
class Phases:
    """Output `o = q * up + p` (0 <= p < up) reads the inputs `q * down + t` for `t` in `taps[p]`.

    The stride is `down / up`: below one for layers that enlarge the map. A phase without taps reads nothing.
    Where the period is longer than the map, phases that no output has may be missing (`phases_wanted`).
    """

    up: int
    down: int
    taps: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """Every output reads the whole axis."""


IDENTITY = Window()
WHOLE = Whole()

Reads = Window | Phases | Whole
AxisPair = tuple[Reads, Reads]
"""The reads along height and width."""

POINTWISE: AxisPair = (IDENTITY, IDENTITY)
GLOBAL: AxisPair = (WHOLE, WHOLE)


BROADCAST: Reads = Phases(up=1, down=0, taps=((0,),))
"""Every output position reads the one position of a map of size 1."""

MOST_UNSEEN_PHASES = 256
"""Up to this period every phase is listed, also those that no output of the map has."""


def phases_wanted(period: int, out_size: int) -> int:
    """How many of a period's phases to list, so that long periods on small maps cost little."""
    return min(period, max(out_size, MOST_UNSEEN_PHASES))


def mirrored(position: int, size: int) -> int:
    """What reflection padding reads at a position outside of an axis."""
    return -position if position < 0 else 2 * (size - 1) - position


def clamped(position: int, size: int) -> int:
    """What replication padding reads at a position outside of an axis."""
    return min(max(position, 0), size - 1)


def wrapped(position: int, size: int) -> int:
    """What circular padding reads at a position outside of an axis."""
    return position % size


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
    taps = tuple(tuple(range(*adaptive_bounds(p, down, up))) for p in range(up))
    return Phases(up=up, down=down, taps=taps)


def adaptive_bounds(position: int, in_size: int, out_size: int) -> tuple[int, int]:
    """First input and one past the last input that adaptive pooling's output `position` covers."""
    return position * in_size // out_size, -((-(position + 1) * in_size) // out_size)
