"""`archlab verify --memory`: predicted peaks against live storages of the built model.

They are counted on a CPU, with real tensors, as a user runs it. What is too large for that is counted on the meta
device, which computes nothing, and where a few layers are made of other operators (`OTHERWISE_ON_META`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from archlab.analysis import Analysis
from archlab.analysis.conditions import TRAINED_DTYPES, Conditions
from archlab.analysis.facts import collect_facts
from archlab.analysis.memory.trainable import require_run
from archlab.analysis.memory.training import training_memory
from archlab.analysis.optimizer import OPTIMIZERS
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.spelling import argument
from archlab.graph import HasGraph
from archlab.torch.storages import count_inference, count_trainings

MOST_BYTES = 2**31
MOST_MACS = 10**10
"""Of a forward pass: what a CPU runs in seconds."""
META_TOLERANCE = 0.01
"""Of a peak on the meta device, which has other memory formats here and there."""
OTHERWISE_ON_META = (
    *("mish", "channel_shuffle", "instance_norm1d", "instance_norm2d", "instance_norm3d"),
    *("attention_op", "window_attention_op"),
)
"""Layers that are made of other operators there than on any real device."""
NO_HALF_ON_CPU = ("avg_pool3d", "lp_pool3d", "local_response_norm")
"""Layers made of an operator that CPUs do not have in half precision (`avg_pool3d`)."""


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
    is_bound: bool = False
    """Whether opaque layers take more than is predicted."""

    @property
    def ok(self) -> bool:
        """Whether they agree."""
        if self.is_bound:
            return self.predicted <= self.counted
        return abs(self.predicted - self.counted) <= self.tolerance * self.counted

    def render(self) -> str:
        """As one line."""
        if self.is_bound:
            return f"  {self.run}: predicted at least {self.predicted:,} bytes, counted {self.counted:,}"
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
        notes: what else to know.
    """

    name: str
    conditions: str
    peaks: list[Peak]
    refused: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every peak agrees."""
        return all(peak.ok for peak in self.peaks)

    def render(self) -> str:
        """A line if all are equal, else one for each; and one where there is no training step."""
        refused = [] if self.refused is None else [f"  no training step counted: {self.refused}"]
        refused += [f"  {note}" for note in self.notes]
        if all(peak.predicted == peak.counted for peak in self.peaks):
            runs = ", ".join(f"{peak.run} {peak.counted:,}" for peak in self.peaks)
            equal = f"{self.name}: memory ok at {self.conditions}, bytes at the peak equal to live storages: {runs}"
            return "\n".join([equal, *refused])
        lines = [peak.render() for peak in self.peaks if peak.predicted != peak.counted]
        verdict = "ok" if self.ok else "differs"
        return "\n".join([f"{self.name}: memory {verdict} at {self.conditions}", *lines, *refused])


def verify_memory(network: HasGraph, conditions: Conditions, device: str = "cpu") -> MemoryVerification:
    """Compare the peaks of a forward pass and of training steps, which must be equal.

    Counting keeps PyTorch from adding gradients in place, so that the training peaks compared are those without.

    Args:
        network: what to verify.
        conditions: under which conditions; every optimizer is tried.
        device: where to count. What is too large for `cpu` is counted on `meta` instead, but under autocast, which that
            does not know.

    Raises:
        ConfigError: for int8, or a batch that PyTorch does not run in eval mode.
    """
    if conditions.dtype not in TRAINED_DTYPES:
        raise single_problem(
            f"{conditions.dtype} has no storages to count; choose a floating-point dtype", Code.WRONG_VALUE
        )
    require_run(network.graph, conditions.batch)
    conditions = replace(conditions, adds_in_place=False)
    analysis = Analysis(network.graph, conditions)
    where = _counting_device(analysis, device)
    exact = 0 if where != "meta" else META_TOLERANCE
    bound = analysis.total.is_bound("memory")
    counted = count_inference(network, conditions, device=where)
    peaks = [Peak("inference", analysis.inference.peak, *counted, exact, bound)]
    words = ", ".join([f"batch {conditions.batch}", *analysis.unusual_conditions()])
    notes = _notes(analysis, asked=device, device=where)
    if analysis.refusal is not None:
        return MemoryVerification(network.graph.name, words, peaks, analysis.refusal.reason, notes)
    if where == "cpu" and conditions.autocast is not None and "avg_pool3d" in _types(analysis):
        gpu = argument("device", "cuda")
        reason = f"a CPU has no avg_pool3d in {conditions.autocast}, in which a GPU computes it; try {gpu}"
        return MemoryVerification(network.graph.name, words, peaks, reason, notes)
    facts = collect_facts(network.graph)
    steps = count_trainings(network, conditions, OPTIMIZERS, device=where)
    for optimizer, counted in zip(OPTIMIZERS, steps, strict=True):
        predicted = training_memory(network.graph, facts, replace(conditions, optimizer=optimizer)).peak
        peaks.append(Peak(f"training with {optimizer}", predicted, *counted, exact, bound))
    return MemoryVerification(network.graph.name, words, peaks, notes=notes)


def _counting_device(analysis: Analysis, device: str) -> str:
    """Where to count: what is too large for a CPU, or what it lacks, on the meta device; autocast only on a CPU."""
    if analysis.conditions.autocast is not None and device == "meta":
        return "cpu"
    if device != "cpu" or analysis.conditions.autocast is not None:
        return device
    if _lacks_half(analysis):
        return "meta"
    peak = analysis.inference.peak if analysis.training is None else analysis.training.peak
    return "cpu" if peak <= MOST_BYTES and analysis.total.macs <= MOST_MACS else "meta"


def _types(analysis: Analysis) -> set[str]:
    return {layer.node.layer.type for layer in analysis.layers}


def _lacks_half(analysis: Analysis) -> bool:
    """Whether a CPU lacks an operator of the network in its dtype."""
    return analysis.dtype in ("float16", "bfloat16") and not _types(analysis).isdisjoint(NO_HALF_ON_CPU)


def _notes(analysis: Analysis, *, asked: str, device: str) -> tuple[str, ...]:
    """Where it was counted instead of on the CPU, and which layers are others there."""
    if device != "meta":
        return ()
    why = (
        f"a CPU has no average pooling of three axes in {analysis.dtype}"
        if _lacks_half(analysis)
        else ("it is too large to run on a CPU")
    )
    notes = [f"counted on the meta device, since {why}"] if asked == "cpu" else []
    others = sorted(_types(analysis).intersection(OTHERWISE_ON_META))
    if others:
        notes.append(f"the meta device makes {', '.join(others)} of other operators than a CPU or a GPU")
    return tuple(notes)
