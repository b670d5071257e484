"""`archlab verify --memory`: predicted peaks against live storages of the built model, on the meta device."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archlab.analysis import Analysis
from archlab.analysis.facts import collect_facts
from archlab.analysis.optimizer import OPTIMIZERS
from archlab.analysis.settings import TRAINED_DTYPES, Settings
from archlab.analysis.trainable import require_run
from archlab.analysis.training import training_memory
from archlab.config.problem import single_problem
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
    """What was compared.

    Attributes:
        name: of the network.
        conditions: under which: `batch 8, channels_last`.
        peaks: of each run.
        refused: why there is no training step, where there is none.
    """

    name: str
    conditions: str
    peaks: list[Peak]
    refused: str | None = None

    @property
    def ok(self) -> bool:
        """Whether every peak agrees."""
        return all(peak.ok for peak in self.peaks)

    def render(self) -> str:
        """A line if all are equal, else one for each; and one where there is no training step."""
        refused = [] if self.refused is None else [f"  no training step counted: {self.refused}"]
        if all(peak.predicted == peak.counted for peak in self.peaks):
            runs = ", ".join(f"{peak.run} {peak.counted:,}" for peak in self.peaks)
            equal = f"{self.name}: memory ok at {self.conditions}, bytes at the peak equal to live storages: {runs}"
            return "\n".join([equal, *refused])
        lines = [peak.render() for peak in self.peaks if peak.predicted != peak.counted]
        verdict = "ok" if self.ok else "differs"
        return "\n".join([f"{self.name}: memory {verdict} at {self.conditions}", *lines, *refused])


def verify_memory(network: Network, settings: Settings) -> MemoryVerification:
    """Compare the peak of a forward pass, which must be equal, and those of training steps.

    Counting keeps PyTorch from adding gradients in place, so that the training peaks compared are those without.

    Args:
        network: what to verify.
        settings: under which conditions; every optimizer is tried. Autocast is counted on a CPU, the rest on the meta
            device, which computes nothing.

    Raises:
        ConfigError: for int8, or a batch that PyTorch does not run in eval mode.
    """
    if settings.dtype not in TRAINED_DTYPES:
        raise single_problem(f"{settings.dtype} has no storages to count; choose a floating-point dtype", "wrong-value")
    require_run(network.graph, settings.batch)
    analysis = Analysis(network.graph, settings)
    peaks = [Peak("inference", analysis.inference.peak, *count_inference(network, settings), 0)]
    conditions = ", ".join([f"batch {settings.batch}", *settings.conditions()])
    if analysis.refusal is not None:
        return MemoryVerification(network.name, conditions, peaks, analysis.refusal.reason)
    facts = collect_facts(network.graph)
    device = "meta" if settings.autocast is None else "cpu"
    for optimizer in OPTIMIZERS:
        step = replace(settings, optimizer=optimizer, adds_in_place=False)
        predicted = training_memory(network.graph, facts, step).peak
        counted = count_training(network, step, device=device)
        peaks.append(Peak(f"training with {optimizer}", predicted, *counted, TOLERANCE))
    return MemoryVerification(network.name, conditions, peaks)
