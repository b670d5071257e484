"""Timing calls: interleaved, after a warm-up, with the spread kept."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter

TURN_SECONDS = 0.05
"""A candidate's turn lasts at least one call and about this long, so that fast ones get more samples."""


@dataclass(frozen=True)
class Timing:
    """Seconds of every run of one candidate."""

    seconds: tuple[float, ...]

    @property
    def best(self) -> float:
        """The fastest run."""
        return min(self.seconds)

    @property
    def median(self) -> float:
        """The middle run, which ratios are taken of."""
        return median(self.seconds)

    @property
    def worst(self) -> float:
        """The slowest run."""
        return max(self.seconds)

    def to_dict(self) -> dict[str, float]:
        """For `--json`."""
        return {"min": self.best, "median": self.median, "max": self.worst, "runs": len(self.seconds)}


def time_calls(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Timing]:
    """Time every call in turn, `rounds` times over, so that drift of the machine hits all alike.

    The garbage collector stays on, as it is for users, but looks only at what the calls themselves create:
    otherwise archlab would pay for the hundreds of thousands of objects that `import torch` leaves behind.

    Args:
        calls: by name; each is called once before, unmeasured.
        rounds: number of turns.
    """
    for call in calls.values():
        call()
    gc.collect()
    gc.freeze()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            seconds[name] += _turn(call)
    gc.unfreeze()
    return {name: Timing(tuple(values)) for name, values in seconds.items()}


def _turn(call: Callable[[], object]) -> list[float]:
    gc.collect()
    samples: list[float] = []
    while sum(samples) < TURN_SECONDS:
        start = perf_counter()
        call()
        samples.append(perf_counter() - start)
    return samples
