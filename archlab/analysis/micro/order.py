"""The order of operators whose peak is the smallest, where the graph leaves a choice.

What is alive depends only on which operators are done, not in which order: a state is such a set, and a step runs one
operator that has all of its inputs (Ahn et al. 2020, "Ordering Chaos: Memory-Aware Scheduling of Irregularly Wired
Neural Networks for Edge Devices"; Liberis and Lane 2019, "Neural networks on microcontrollers: saving memory at
inference via operator reordering"). Of all ways to a state the one with the lowest peak is kept, and states are looked
at the lowest first, so that the first way to the end is one with the smallest peak.

An operator that leaves no more alive than there was, and takes no more while it runs than some step takes anyway, is
run at once: in any order that runs it later it can be moved to the front, since what it frees is freed then at the
latest, and no step between has more alive.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from archlab.analysis.micro.planner import aligned
from archlab.analysis.micro.program import MicroProgram

MOST_STATES = 50_000
"""Sets of done operators that are looked at."""
MOST_STEPS = 2_000_000
"""Operators that are looked at in all of them."""


class Order(NamedTuple):
    """An order of operators.

    Attributes:
        steps: the operators' numbers.
        peak: the most bytes alive at one time, each buffer rounded up.
        is_exact: whether no order has a smaller one; False where there are too many to say.
    """

    steps: tuple[int, ...]
    peak: int
    is_exact: bool


def best_order(program: MicroProgram, most: int = MOST_STATES) -> Order:
    """The order with the smallest peak, or the one that is written where that cannot be said or is no smaller.

    Args:
        program: the operators in an order that works.
        most: states that may be looked at.
    """
    written = Order(tuple(range(len(program.operations))), max(program.levels()), is_exact=True)
    search = _Search(program)
    if written.peak == search.least:
        return written
    found = search.run(most)
    if found is None:
        return written._replace(is_exact=False)
    return found if found.peak < written.peak else written


class _Search:
    """Best first over sets of done operators, written as bits."""

    def __init__(self, program: MicroProgram) -> None:
        operations = program.operations
        self._sizes = [aligned(size) for size in program.sizes]
        self._scratch = [sum(map(aligned, operation.scratch)) for operation in operations]
        self._operations = operations
        maker = {operation.output: 1 << index for index, operation in enumerate(operations)}
        self._needs = [sum({maker.get(tensor, 0) for tensor in operation.inputs}) for operation in operations]
        self._readers = [0] * len(program.sizes)
        for index, operation in enumerate(operations):
            for tensor in operation.inputs:
                self._readers[tensor] |= 1 << index
        self._kept = frozenset(program.outputs)
        self._all = (1 << len(operations)) - 1
        self._start = sum([self._sizes[tensor] for tensor in program.inputs])
        self._unread = sum([self._sizes[t] for t in program.inputs if not self._readers[t] and t not in self._kept])
        self.least = max([self._start, *[self._alone(index) for index in range(len(operations))]])
        """No order has less: what an operator reads and makes is alive when it runs."""

    def _alone(self, index: int) -> int:
        operation = self._operations[index]
        tensors = {*operation.inputs, operation.output}
        return sum([self._sizes[tensor] for tensor in tensors]) + self._scratch[index]

    def run(self, most: int) -> Order | None:
        """The first way to the end; None where more states would have to be looked at."""
        best: dict[int, int] = {0: self._start}
        came: dict[int, int] = {}
        waiting = [(self._start, 0, 0, self._start - self._unread)]
        looked_at, most = 0, min(most, MOST_STEPS // max(len(self._operations), 1))
        while waiting:
            peak, _, done, alive = heappop(waiting)
            if peak > best[done]:
                continue
            if done == self._all:
                return Order(self._way(came), peak, is_exact=True)
            looked_at += 1
            if looked_at > most:
                return None
            for index, after, level in self._choices(done, alive, max(peak, self.least)):
                reached, highest = done | 1 << index, max(peak, level)
                if highest < best.get(reached, highest + 1):
                    best[reached], came[reached] = highest, index
                    # of equal peaks the one that is further on
                    heappush(waiting, (highest, -reached.bit_count(), reached, after))
        return None

    def _choices(self, done: int, alive: int, allowed: int) -> list[tuple[int, int, int]]:
        """What to run next: one step that costs nothing, if there is one."""
        steps: list[tuple[int, int, int]] = []
        for step in self._steps(done, alive):
            _, after, level = step
            if after <= alive and level <= allowed:
                return [step]
            steps.append(step)
        return steps

    def _steps(self, done: int, alive: int) -> Iterator[tuple[int, int, int]]:
        """Each operator that can run: its number, the bytes alive after it, and while it runs."""
        for index, operation in enumerate(self._operations):
            bit = 1 << index
            if done & bit or self._needs[index] & ~done:
                continue
            level = alive + self._sizes[operation.output]
            reached = done | bit
            freed = [t for t in {*operation.inputs} if not self._readers[t] & ~reached and t not in self._kept]
            after = level - sum([self._sizes[tensor] for tensor in freed])
            if not self._readers[operation.output] and operation.output not in self._kept:
                after -= self._sizes[operation.output]
            yield index, after, level + self._scratch[index]

    def _way(self, came: dict[int, int]) -> tuple[int, ...]:
        steps: list[int] = []
        done = self._all
        while done:
            steps.append(came[done])
            done ^= 1 << came[done]
        return tuple(steps[::-1])
