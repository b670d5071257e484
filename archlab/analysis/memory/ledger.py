"""Storages as they come and go: what is alive at each moment, and who holds it at the peak."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Literal, NamedTuple

from archlab.graph.segments import Segment

Kind = Literal["input", "output", "copy", "kept", "scratch", "gradient", "parameter gradient"]
"""What a storage is: the network's input, a layer's output, an input or parameter in another precision, what autograd
keeps of a layer beside its inputs and output, what a layer takes while it runs, the gradient of a value, the gradient
of parameters."""

KINDS: tuple[Kind, ...] = ("input", "output", "copy", "kept", "scratch", "gradient", "parameter gradient")

Phase = Literal["forward", "recompute", "backward", "step"]


class Storage:
    """Memory that one or several values live in.

    Attributes:
        size: bytes.
        kind: what it is.
        node: index of the one that made it; -1 for the optimizer.
        holders: how many hold it; it is free at zero.
        keepers: the nodes whose backward pass needs it.
        segments: those that are computed again from it.
        born: the ledger's clock when it was taken.
        died: the same when it was freed; None while it is alive.
    """

    __slots__ = ("born", "died", "holders", "keepers", "kind", "node", "segments", "size")

    def __init__(self, size: int, kind: Kind, node: int, born: int) -> None:
        self.size = size
        self.kind = kind
        self.node = node
        self.holders = 1
        self.keepers: list[int] = []
        self.segments: list[Segment] = []
        self.born = born
        self.died: int | None = None

    def is_alive(self, clock: int) -> bool:
        """Whether it holds memory right after a tick of the ledger's clock."""
        return self.born <= clock and (self.died is None or self.died > clock)


class Moment(NamedTuple):
    """One step of a run: a layer's forward or backward pass, or the optimizer's step.

    Attributes:
        phase: forward, recompute (of what a checkpoint has not kept), backward or step.
        node: its index; -1 for the optimizer.
        peak: the most bytes alive while it runs.
        after: bytes alive when it is done.
        clock: when the peak is.
    """

    phase: Phase
    node: int
    peak: int
    after: int
    clock: int


@dataclass(eq=False)
class Timeline:
    """A run from its first layer to its last.

    Attributes:
        base: bytes that are there throughout: params, buffers, the optimizer's state.
        moments: in order.
        storages: all that were taken, in order.
    """

    base: int
    moments: list[Moment]
    storages: list[Storage]

    @cached_property
    def peak_moment(self) -> Moment:
        """When the most bytes are alive: the first such moment."""
        return max(self.moments, key=lambda moment: moment.peak)

    @property
    def peak(self) -> int:
        """The most bytes alive at one time."""
        return self.peak_moment.peak

    def holders(self, moment: Moment) -> list[Storage]:
        """The storages alive at a moment's peak, the largest first."""
        alive = [storage for storage in self.storages if storage.size and storage.is_alive(moment.clock)]
        return sorted(alive, key=lambda storage: -storage.size)

    def levels(self) -> dict[Kind, list[int]]:
        """Bytes of each kind alive at each moment's peak."""
        clocks = [moment.clock for moment in self.moments]
        changes = {kind: [0] * (len(clocks) + 1) for kind in KINDS}
        for storage in self.storages:
            changes[storage.kind][bisect_left(clocks, storage.born)] += storage.size
            if storage.died is not None:
                changes[storage.kind][bisect_left(clocks, storage.died)] -= storage.size
        return {kind: list(accumulate(change))[:-1] for kind, change in changes.items()}


class Ledger:
    """Takes and frees storages, and remembers the highest level of each moment."""

    def __init__(self, base: int) -> None:
        self._base = base
        self._live = self._high = base
        self._clock = self._high_clock = 0
        self._storages: list[Storage] = []
        self._moments: list[Moment] = []

    def take(self, size: int, kind: Kind, node: int) -> Storage:
        """New memory, held once."""
        self._clock += 1
        storage = Storage(size, kind, node, self._clock)
        self._storages.append(storage)
        self._live += size
        if self._live > self._high:
            self._high, self._high_clock = self._live, self._clock
        return storage

    def release(self, storage: Storage) -> None:
        """One holder less; the memory is freed with the last one."""
        storage.holders -= 1
        if storage.holders == 0:
            self._clock += 1
            storage.died = self._clock
            self._live -= storage.size

    def pass_by(self, size: int, node: int) -> None:
        """Memory that is taken and freed at once."""
        if size:
            self.release(self.take(size, "scratch", node))

    def close(self, phase: Phase, node: int) -> None:
        """End a moment."""
        self._moments.append(Moment(phase, node, self._high, self._live, self._high_clock))
        self._high, self._high_clock = self._live, self._clock

    def timeline(self) -> Timeline:
        """What happened."""
        return Timeline(self._base, self._moments, self._storages)
