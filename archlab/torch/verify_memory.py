"""`archlab verify --memory`: predicted peaks against live storages of the built model, on the meta device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archlab.analysis.facts import collect_facts
from archlab.analysis.optimizer import OPTIMIZERS
from archlab.analysis.training import Settings, training_memory
from archlab.torch.storages import count_inference, count_training

if TYPE_CHECKING:
    from archlab.api import Network

TOLERANCE = 0.01
"""Of a training step's peak: memory formats decide on a copy here and there."""


@dataclass(frozen=True, slots=True)
class Peak:
    """One run's peak.

    Attributes:
        run: what runs.
        predicted: bytes.
        counted: bytes.
        operator: of PyTorch, at the counted peak.
        tolerance: share that they may differ by.
    """

    run: str
    predicted: int
    counted: int
    operator: str
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether they agree."""
        return abs(self.predicted - self.counted) <= self.tolerance * self.counted

    def render(self) -> str:
        """As one line."""
        off = "" if self.predicted == self.counted else f", {self.predicted / self.counted - 1:+.3%}"
        return f"  {self.run}: predicted {self.predicted:,} bytes, counted {self.counted:,}{off} ({self.operator})"


@dataclass(frozen=True, slots=True)
class MemoryVerification:
    """What was compared."""

    name: str
    batch: int
    peaks: list[Peak]

    @property
    def ok(self) -> bool:
        """Whether every peak agrees."""
        return all(peak.ok for peak in self.peaks)

    def render(self) -> str:
        """A line if all are equal, else one for each."""
        if all(peak.predicted == peak.counted for peak in self.peaks):
            runs = ", ".join(f"{peak.run} {peak.counted:,}" for peak in self.peaks)
            return f"{self.name}: memory ok at batch {self.batch}, bytes at the peak equal to live storages: {runs}"
        lines = [peak.render() for peak in self.peaks if peak.predicted != peak.counted]
        verdict = "ok" if self.ok else "differs"
        return "\n".join([f"{self.name}: memory {verdict} at batch {self.batch}", *lines])


def verify_memory(network: Network, *, batch: int = 1) -> MemoryVerification:
    """Compare the peak of a forward pass, which must be equal, and those of training steps.

    Counting keeps PyTorch from adding gradients in place, so that the training peaks compared are those without.

    Args:
        network: what to verify.
        batch: number of samples.
    """
    counted = count_inference(network, batch=batch)
    peaks = [Peak("inference", network.analyze(batch=batch).inference.peak, *counted, 0)]
    facts = collect_facts(network.graph)
    for optimizer in OPTIMIZERS:
        settings = Settings(batch, optimizer=optimizer, adds_in_place=False)
        predicted = training_memory(network.graph, facts, settings).peak
        counted = count_training(network, settings)
        peaks.append(Peak(f"training with {optimizer}", predicted, *counted, TOLERANCE))
    return MemoryVerification(network.name, batch, peaks)
