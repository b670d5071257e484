"""How the bytes that are alive rise and fall in the course of a run, predicted and counted.

A peak is one number of a run. Its other highs lie below it, where a mistake is seen in no peak; `archlab memory` prints
them layer by layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import NamedTuple
from unittest.mock import patch

from torch import Tensor

from archlab.analysis import Analysis
from archlab.analysis.conditions import Conditions
from archlab.analysis.facts import collect_facts
from archlab.analysis.memory.ledger import Timeline
from archlab.analysis.memory.training import training_memory
from archlab.api.network import Network
from archlab.layers.base import Layer
from archlab.layers.instance_norm import InstanceNormNd
from archlab.torch import storages

SCALARS = 8
"""Bytes of the loss and of its gradient, which are counted and not predicted."""

_MADE_ANEW = ("standardized", "scaled_standardized", "weight_norm", "spectral_norm")
LUMPED = {
    *("prelu", "local_response_norm", "softsign", "divide", "maximum", "minimum", "normalize", "global_response_norm"),
    *("filter_response_norm2d", "evo_norm2d_s0", "evo_norm2d_b0", "weighted_add"),
    *(f"{kind}_conv{rank}d" for kind in _MADE_ANEW for rank in (1, 2, 3)),
}
"""Layers of whose backward pass several maps are predicted as one: their highs are not all there."""


class Course(NamedTuple):
    """How a run went: the most bytes alive, and every high."""

    peak: int
    highs: list[int]


class _Recorder(storages.LiveStorages):  # type: ignore[no-untyped-call]
    """Remembers the bytes alive after each change, while it is active."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: list[int] = []

    def follow(self, tensor: Tensor, size: int | None = None) -> None:
        super().follow(tensor, size)
        self.levels.append(self.live)

    def _forget(self, key: int) -> None:
        super()._forget(key)
        self.levels.append(self.live)


def _levels(timeline: Timeline) -> Iterator[int]:
    changes = [(storage.born, storage.size) for storage in timeline.storages]
    changes += [(storage.died, -storage.size) for storage in timeline.storages if storage.died is not None]
    level = timeline.base
    yield level
    for _, change in sorted(changes):
        level += change
        yield level


def highs(levels: Iterable[int]) -> list[int]:
    """The levels from which it falls before it rises further, and the last one; wiggles of scalars left out."""
    found: list[int] = []
    extreme, rises = 0, True
    for level in levels:
        if (level > extreme) == rises:
            extreme = level
        elif abs(level - extreme) > SCALARS:
            if rises:
                found.append(extreme)
            extreme, rises = level, not rises
    return [*found, extreme] if rises else found


def predicted(network: Network, conditions: Conditions, *, training: bool) -> Course:
    """A forward pass in eval mode, or a training step."""
    if training:
        timeline = training_memory(network.graph, collect_facts(network.graph), conditions)
    else:
        analysis = Analysis(network.graph, conditions)
        timeline = analysis.inference
        assert timeline.peak == analysis.total.memory.inference_peak
    return Course(timeline.peak, highs(_levels(timeline)))


def counted(network: Network, conditions: Conditions, *, training: bool) -> Course:
    """The same as PyTorch takes and frees storages on a CPU."""
    made: list[_Recorder] = []

    def recorder() -> _Recorder:
        made.append(_Recorder())
        return made[-1]

    with patch.object(storages, "LiveStorages", recorder):
        count = storages.count_training if training else storages.count_inference
        found = count(network, conditions, device="cpu")
    (recorded,) = made
    return Course(found.peak, highs(recorded.levels))


def differences(
    network: Network, conditions: Conditions, *, training: bool, peak_only: bool = False
) -> list[tuple[int | None, int | None]]:
    """What was predicted and what was counted instead: the peak, and highs that differ by more than the scalars."""
    ours, theirs = (find(network, conditions, training=training) for find in (predicted, counted))
    if ours.peak != theirs.peak:
        return [(ours.peak, theirs.peak)]
    if peak_only or (training and any(_is_lumped(node.layer) for node in network.graph.layers)):
        return []
    return [(a, b) for a, b in zip_longest(ours.highs, theirs.highs) if not _are_one(a, b, SCALARS * training)]


def _is_lumped(layer: Layer) -> bool:
    """Whether highs below the peak are not all predicted; an instance norm that keeps statistics copies them."""
    return layer.type in LUMPED or (isinstance(layer, InstanceNormNd) and layer.track_running_stats)


def _are_one(ours: int | None, theirs: int | None, beside: int) -> bool:
    return ours is not None and theirs is not None and 0 <= theirs - ours <= beside
